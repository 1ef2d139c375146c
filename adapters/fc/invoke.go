package fc

import (
	"context"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// invoke starts an asynchronous invocation of the running function, in the same region
// and by the same alias or version. It uses the same credential as all other calls,
// usually the credential of the function's role. The role needs fc:InvokeFunction on the
// function.
func invoke(ctx context.Context, api function.InvokeAPI, payload []byte) error {
	i, _ := ctx.Value(invocationKey{}).(invocation)
	if i.region == "" || i.function == "" {
		return handler.Errorf(handler.Internal, "Function Compute did not take the work: the invocation's context names neither region nor function")
	}
	options := tair.InvokeOptions{Credentials: api.Credentials, RootCAs: api.Roots, Region: i.region, Function: i.function, Qualifier: i.qualifier}
	if api.Endpoint != nil {
		options.Endpoint = api.Endpoint.String()
	}
	return tair.InvokeAsync(ctx, options, payload)
}
