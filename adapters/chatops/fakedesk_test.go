package chatops_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// annaInSlack has an address for later answers.
var annaInSlack = chatops.Message{Platform: "slack", Trust: handler.Signed, Tenant: "T1", User: "U1", Channel: "C1", Reply: "https://hooks.slack.com/commands/secret"}

// desk is a bot whose handed work waits until finish does it.
type desk struct {
	*chatops.Bot
	*cloud
	handed [][]byte
	fault  error
	log    bytes.Buffer
}

func newDesk(c *cloud, change ...func(*chatops.Options)) *desk {
	d := &desk{cloud: c}
	d.Bot = c.bot("slack:T1/U1 * *", append([]func(*chatops.Options){func(o *chatops.Options) {
		o.Log = slog.New(slog.NewJSONHandler(&d.log, nil))
		o.Hand = func(ctx context.Context, payload []byte) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if d.fault == nil {
				d.handed = append(d.handed, payload)
			}
			return d.fault
		}
	}}, change...)...)
	return d
}

func (d *desk) say(ctx context.Context, m chatops.Message, text string) (answer, code string) {
	d.log.Reset()
	m.Text = text
	r := d.Say(ctx, m)
	return strings.Join(r.Lines, "\n"), r.Code
}

// plan asks for an update and gives its code.
func (d *desk) plan(t *testing.T) string {
	t.Helper()
	answer, code := d.say(t.Context(), annaInSlack, "update "+id)
	if code == "" {
		t.Fatalf("update is answered %q", answer)
	}
	return code
}

// finish does the handed work. There must be exactly one piece.
func (d *desk) finish(t *testing.T, ctx context.Context) string {
	t.Helper()
	if len(d.handed) != 1 {
		t.Fatalf("%d pieces of work were handed over", len(d.handed))
	}
	m, err := d.Open(d.handed[0])
	if err != nil {
		t.Fatal(err)
	}
	d.log.Reset()
	return strings.Join(d.Finish(ctx, m).Lines, "\n")
}

func (d *desk) logged(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(d.log.String(), w) {
			t.Errorf("the log has no %s:\n%s", w, d.log.String())
		}
	}
}

// inTime sends a text in a chat that waits 2.4 s for the answer.
func (d *desk) inTime(t *testing.T, m chatops.Message, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2400*time.Millisecond)
	defer cancel()
	began := time.Now()
	answer, _ := d.say(ctx, m, text)
	if took := time.Since(began); took > 2400*time.Millisecond {
		t.Errorf("%s is answered after %s", text, took)
	}
	return answer
}
