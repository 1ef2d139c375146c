// Package tair is handler.API over the OpenAPI of ApsaraDB for Redis / Tair
// (product R-kvstore, version 2015-01-01), by way of Alibaba's
// alibaba-cloud-sdk-go.
//
// [Client] takes from the SDK what it does well, signing and typed answers,
// and guards against the rest:
//
//   - it speaks HTTPS, where the SDK's default is plain HTTP;
//   - every call ends with its context, which the SDK does not know;
//   - every call has an SDK client of its own over one shared pool of
//     connections, since an SDK client must not be used concurrently;
//   - answers are bounded in size, redirects are not followed, and a panic of
//     the SDK ends as an error;
//   - no error holds a signed URL, which the SDK's errors do;
//   - reads are tried again with growing, jittered pauses; ModifyInstanceSSL is
//     sent once, and its error says whether it may have taken effect;
//   - it signs only for the regions of its [Options], at the hosts of one table;
//   - reads tell the API's clock, and a change that was signed too late is not
//     sent;
//   - calls keep to the quotas that Alibaba publishes, and to a rate of their own.
//
// Every error is a *handler.Error; the table of codes is in errors.go.
//
// [Client.CAChain] downloads the CA chain that an instance's clients have to trust,
// from Alibaba's hosts alone.
//
// [OIDC] gives the credentials of a role for an identity token, so that no
// long-lived key is needed. [Client.Warm] spares the first calls of a process two
// round trips. [InvokeAsync] hands work over to another invocation of a function
// on Function Compute.
package tair
