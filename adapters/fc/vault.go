package fc

import (
	"context"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// vault reads secrets of Alibaba's KMS in the function's own region, by the
// credential of its role. endpoint is the setting ENDPOINT, of which only vpc
// counts here: KMS is then reached inside Alibaba's network as well.
func vault(endpoint string) function.Vault {
	var where tair.Endpoint
	if endpoint == tair.VPC {
		where, _ = tair.ParseEndpoint(tair.VPC) // which has no fault
	}
	return func(ctx context.Context, name string) (string, error) {
		i, _ := ctx.Value(invocationKey{}).(invocation)
		if i.region == "" || i.role.AccessKeyID == "" {
			return "", handler.Errorf(handler.Unavailable, "KMS can be read during an invocation of a function with a role only")
		}
		return tair.Secret(ctx, tair.SecretOptions{Credentials: role, Region: i.region, Endpoint: where}, name)
	}
}
