package webhook_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

func TestTheRouteOfGrafanaChecksItsSignature(t *testing.T) {
	c := newDoor(func(o *webhook.Options) {
		o.Grafana = webhook.Secrets{"grafana-secret"}
		o.Answer = func(_ context.Context, a event.Asked) event.Answer {
			return event.Answer{Asked: a, Results: []handler.Result{{Outcome: handler.Unchanged}}}
		}
	})
	signed := webhook.SignGrafana("grafana-secret", now, []byte(grafana))
	for name, test := range map[string]struct {
		header http.Header
		want   int
	}{
		"signed":                          {signed, 200},
		"with the other name of the time": {http.Header{"X-Grafana-Alerting-Signature": signed["X-Grafana-Alerting-Signature"], "X-Grafana-Alerting-Signature-Timestamp": signed["X-Grafana-Alerting-Timestamp"]}, 200},
		"without a time":                  {with(signed, "X-Grafana-Alerting-Timestamp"), 401},
		"of an hour ago":                  {webhook.SignGrafana("grafana-secret", now.Add(-time.Hour), []byte(grafana)), 401},
		"of another secret":               {webhook.SignGrafana("x", now, []byte(grafana)), 401},
		"with a token, too":               {with(signed, "Authorization", "Bearer x"), 401},
	} {
		if w := c.knock(knock{path: "/grafana", body: grafana, header: test.header}); w.Code != test.want {
			t.Errorf("a message %s is answered %d, want %d", name, w.Code, test.want)
		}
	}
}

func TestSignaturesOfGrafanaMatchItsVectors(t *testing.T) {
	for at, want := range map[string]string{"": "3bcebf43c85d20bba6e3b6ba278af1d2ba3ab0d57de271b0ad30b833e851c5a6", "0": "ac18a483a582b60a883e974541afe25aa1026136163e94665649743324183ef1"} {
		if got := webhook.GrafanaSign("secret", at, []byte("test message")); got != want {
			t.Errorf("the signature is %s for the time %q, want %s", got, at, want)
		}
	}
}
