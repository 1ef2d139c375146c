package fc

import (
	"context"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// vault reads secrets from Alibaba's KMS in the function's own region, with the credential
// of its role. endpoint is the setting TAIRSSL_ENDPOINT. If it is vpc, KMS is reached
// inside Alibaba's network too. Its other values do not matter here.
func vault(endpoint string) function.Vault {
	var where tair.Endpoint
	if endpoint == tair.VPC {
		where, _ = tair.ParseEndpoint(tair.VPC) // never fails for this value
	}
	return func(ctx context.Context, name string) (string, error) {
		i, _ := ctx.Value(invocationKey{}).(invocation)
		if i.region == "" || i.role.AccessKeyID == "" {
			return "", handler.Errorf(handler.Unavailable, "KMS can be read only during an invocation, and only if the function has a role")
		}
		return tair.Secret(ctx, tair.SecretOptions{Credentials: role, Region: i.region, Endpoint: where}, name)
	}
}
