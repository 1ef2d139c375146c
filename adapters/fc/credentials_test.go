package fc_test

import (
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"tairssl/adapters/fc"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// The credentials of the role come with the invocation and have priority. The credentials
// of the environment are for a function without a role.
func TestCredentialsOfRoleThenOfEnvironment(t *testing.T) {
	_, url := tairtest.Start(t, tairtest.Options{Keys: map[string]string{"of-the-role": "role-secret", "of-the-environment": "environment-secret"}}, tairtest.SampleFleet(time.Now())...)
	withRole := func(key, secret string) context.Context {
		return fccontext.NewContext(context.Background(), &fccontext.FcContext{Credentials: fccontext.Credentials{AccessKeyId: key, AccessKeySecret: secret, SecurityToken: "token"}})
	}
	environment := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=of-the-environment", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=environment-secret"}
	for name, test := range map[string]struct {
		ctx     context.Context
		environ []string
		want    handler.Outcome
	}{
		"role":                  {withRole("of-the-role", "role-secret"), nil, handler.Planned},
		"role before all":       {withRole("of-the-role", "wrong"), environment, handler.Failed},
		"no role":               {withRole("", ""), environment, handler.Planned},
		"no role, nothing else": {withRole("", ""), nil, handler.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			f := fc.New(append(test.environ, "TAIRSSL_ENDPOINT="+url), io.Discard)
			answer, err := f(test.ctx, []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","DryRun":true}`))
			var r handler.Result
			if err != nil || json.Unmarshal(answer, &r) != nil || r.Outcome != test.want {
				t.Errorf("is answered %s, %v; want %s", answer, err, test.want)
			}
		})
	}
}
