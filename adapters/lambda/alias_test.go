package lambda_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"tairssl/adapters/function"
	"tairssl/adapters/lambda"
)

// Work is handed over to the alias by which the function was invoked. The role may be
// allowed to invoke only this alias, and the alias selects the version that should run.
func TestWorkIsHandedOverToTheSameAlias(t *testing.T) {
	const own = "arn:aws:lambda:eu-west-1:123456789012:function:tairssl-webhooks"
	for arn, want := range map[string]string{"": "", own: "", own + ":live": "Qualifier=live", own + ":7": "Qualifier=7", "nonsense": ""} {
		var got *http.Request
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r
			lambdaRefuses(http.StatusForbidden, "AccessDeniedException")(w, r)
		}))
		ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{InvokedFunctionArn: arn})
		err := lambda.Invoke(inLambda(server.URL), time.Now)(ctx, function.InvokeAPI{}, []byte("{}"))
		server.Close()
		if got == nil || got.URL.RawQuery != want || got.URL.Path != "/2015-03-31/functions/tairssl-webhooks/invocations" {
			t.Errorf("invoked by %q, it invokes %v", arn, got)
		}
		// The error names the function that the role must be allowed to invoke.
		named := "tairssl-webhooks"
		if want != "" {
			named += ":" + strings.TrimPrefix(want, "Qualifier=")
		}
		if err == nil || !strings.Contains(err.Error(), "on the function "+named+" to its own role") {
			t.Errorf("invoked by %q, the error is %v", arn, err)
		}
	}
}
