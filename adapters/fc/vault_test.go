package fc

import (
	"context"
	"errors"
	"testing"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"tairssl/handler"
)

// Before the first invocation there is no credential. The vault is asked again during the
// invocation.
func TestTheVaultOpensDuringAnInvocationOnly(t *testing.T) {
	if _, err := vault("")(context.Background(), "tairssl/webhooks"); !errors.Is(err, handler.Unavailable) {
		t.Errorf("outside of an invocation it ends %v", err)
	}
}

func TestWorkIsHandedOverToTheSameQualifier(t *testing.T) {
	for qualifier, want := range map[string]string{"": "", "LATEST": "", "live": "live", "3": "3"} {
		ctx := fccontext.NewContext(context.Background(), &fccontext.FcContext{Region: "cn-hangzhou", Service: fccontext.Service{Qualifier: qualifier}})
		if i, _ := withInvocation(ctx).Value(invocationKey{}).(invocation); i.qualifier != want {
			t.Errorf("invoked by %q, it would invoke %q", qualifier, i.qualifier)
		}
	}
}
