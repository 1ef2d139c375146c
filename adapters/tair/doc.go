// Package tair implements handler.API over the OpenAPI of ApsaraDB for Redis / Tair
// (product R-kvstore, version 2015-01-01). It uses Alibaba's alibaba-cloud-sdk-go.
//
// [Client] uses the SDK for signing and for typed answers. It guards against the
// weaknesses of the SDK:
//
//   - The client speaks HTTPS. The SDK's default is plain HTTP.
//   - Every call ends when its context ends. The SDK knows no contexts.
//   - Every call has its own SDK client, because an SDK client must not be used
//     concurrently. All calls share one pool of connections.
//   - Answers have a size limit, redirects are not followed, and a panic of the SDK
//     becomes an error.
//   - No error holds a signed URL. The errors of the SDK do.
//   - Reads are tried again, with growing random pauses. ModifyInstanceSSL is sent once,
//     and its error says whether the change may have happened.
//   - The client signs only for the regions of its [Options]. The hosts come from one
//     table.
//   - Each read also gives the time by the API's clock. A change that was signed too late
//     is not sent.
//   - Calls keep to the quotas that Alibaba publishes, and to the rate of [Options].
//
// Every error is a *handler.Error.
//
// Where to look:
//
//   - endpoint.go and regions.go: the host of each region;
//   - errors.go: the table of error codes; failure.go: from the SDK's error to
//     handler.Error;
//   - retry.go: which calls are tried again, and when;
//   - quota.go: the published quotas; usage.go: how many calls were made;
//   - reads.go, list.go, writes.go and tasks.go: the actions of the OpenAPI;
//   - oidc.go, sts.go and tokenfile.go: credentials of a role for an identity token, so
//     that no long-lived key is needed;
//   - download.go: the CA chain that clients of an instance have to trust;
//   - warm.go: connections that are opened before the first call;
//   - invoke.go and secret.go: Function Compute's InvokeFunction and KMS's
//     GetSecretValue.
package tair
