package tair

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"

	"tairssl/handler"
)

// MaxAsyncPayload is the largest payload of an asynchronous invocation, in bytes.
const MaxAsyncPayload = 128 << 10

// InvokeOptions configure [InvokeAsync]. Credentials, Region and Function are required.
type InvokeOptions struct {
	Credentials Credentials
	Region      string
	Function    string // the name of the function, not its ARN
	Qualifier   string // a version or an alias; "" for LATEST
	// Endpoint is the URL of Function Compute's API, with scheme and host only; default
	// https://fcv3.{region}.aliyuncs.com. Plain http is accepted for this machine only.
	Endpoint string
	RootCAs  *x509.CertPool // nil for the roots of the system
}

// InvokeAsync asks Function Compute to invoke a function asynchronously: InvokeFunction of
// FC 2023-03-30 with the invocation type Async. It sends the request once.
//
// Errors: Forbidden if the right fc:InvokeFunction is missing; Invalid if the options or
// the payload are not valid; Internal if the function does not exist; Throttled and
// Unavailable if a later call may succeed. If Uncertain is set, the invocation may have
// been queued in spite of the error.
func InvokeAsync(ctx context.Context, o InvokeOptions, payload []byte) error {
	request, err := o.request(payload)
	if err != nil {
		return err
	}
	credential, err := o.Credentials(ctx)
	if err != nil {
		return handler.AsError(err)
	}
	response, transport, err := once(ctx, o.Region, o.RootCAs, credential, request)
	if err != nil {
		return o.failure(ctx, credential, transport, response, err)
	}
	if status := response.GetHttpStatus(); status != http.StatusAccepted {
		e := handler.Errorf(handler.Unavailable, "%s: the answer has status %d. Only 202 means that the invocation is queued", invokeAction, status)
		e.Uncertain = true
		return e
	}
	return nil
}

// once sends a request to a product for which this package has no client. It sends the
// request once.
func once(ctx context.Context, region string, roots *x509.CertPool, c Credential, request *requests.CommonRequest) (response *responses.CommonResponse, transport *bound, err error) {
	attempt, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	pool := NewTransport(roots)
	defer pool.CloseIdleConnections()
	transport, response = &bound{ctx: attempt, base: pool}, responses.NewCommonResponse()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errPanic, v)
		}
	}()
	config := sdk.NewConfig().WithScheme(strings.ToUpper(request.Scheme)).WithAutoRetry(false).WithTimeout(readTimeout + time.Second)
	config.Transport = transport
	var client sdk.Client
	if err := client.InitWithOptions(region, config, credentials.NewStsTokenCredential(c.AccessKeyID, c.AccessKeySecret, c.SecurityToken)); err != nil {
		return response, transport, err
	}
	client.AppendUserAgent("tairssl", handler.Version)
	request.TransToAcsRequest()
	return response, transport, client.DoAction(request, response)
}

const invokeAction = "Function Compute, InvokeFunction"

// request builds the SDK's request without a signature.
func (o InvokeOptions) request(payload []byte) (*requests.CommonRequest, error) {
	switch {
	case !handler.ValidRegion(o.Region):
		return nil, handler.Errorf(handler.Invalid, "%s: %q is not a region id such as cn-hangzhou", invokeAction, handler.ClipTo(o.Region, longest))
	case !functionName(o.Function) || o.Qualifier != "" && !functionName(o.Qualifier):
		return nil, handler.Errorf(handler.Invalid, "%s: the name and the qualifier of a function have at most 128 letters, digits, - and _; got %q and %q", invokeAction, handler.ClipTo(o.Function, longest), handler.ClipTo(o.Qualifier, longest))
	case len(payload) > MaxAsyncPayload:
		return nil, handler.Errorf(handler.Invalid, "%s: the payload has %d bytes; an asynchronous invocation takes %d", invokeAction, len(payload), MaxAsyncPayload)
	}
	to, err := ParseURL(cmp.Or(o.Endpoint, "https://fcv3."+o.Region+".aliyuncs.com"))
	if err != nil {
		return nil, handler.Errorf(handler.Invalid, "%s: the endpoint: %v", invokeAction, err)
	}
	request := requests.NewCommonRequest()
	request.Product, request.Version, request.ApiName = "FC", "2023-03-30", "InvokeFunction"
	request.Method, request.Scheme = requests.POST, to.Scheme
	// The SDK appends Port to Domain, so Domain must not have a port.
	request.Port = cmp.Or(to.Port(), map[string]string{"https": "443", "http": "80"}[to.Scheme])
	request.Domain = strings.TrimSuffix(to.Host, ":"+to.Port())
	request.Headers["Host"] = to.Host // to.Host has no default port
	request.PathPattern = "/2023-03-30/functions/" + o.Function + "/invocations"
	if o.Qualifier != "" {
		request.QueryParams["qualifier"] = o.Qualifier
	}
	request.Headers["x-fc-invocation-type"] = "Async"
	request.SetContentType(requests.Json)
	request.SetContent(payload)
	return request, nil
}

// functionName reports whether s can be part of a path without escaping.
func functionName(s string) bool {
	other := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}
	return s != "" && len(s) <= 128 && strings.IndexFunc(s, other) < 0
}

// invokeCodes are the error codes of Function Compute. Sources: the error codes of FC
// 2023-03-30, and the codes that the gateway adds to every call.
var invokeCodes = []meaning{
	{code: "AccessDenied*", kind: handler.Forbidden, fix: allowInvoke},
	{code: "Forbidden*", kind: handler.Forbidden, fix: allowInvoke},
	{code: "NoPermission*", kind: handler.Forbidden, fix: allowInvoke},
	{code: "FunctionNotFound", kind: handler.Internal, fix: "check the name and the region of the function"},
	{code: "AliasNotFound", kind: handler.Internal, fix: "check the qualifier"},
	{code: "VersionNotFound", kind: handler.Internal, fix: "check the qualifier"},
	{code: "InvalidAccessKey*", kind: handler.Forbidden, fix: checkKey},
	{code: "InvalidSecurityToken*", kind: handler.Forbidden, fix: "the temporary credentials have ended: get new ones"},
	{code: "Signature*", kind: handler.Forbidden, fix: checkSecret},
	{code: "Throttling*", kind: handler.Throttled},
	{code: "ResourceThrottled", kind: handler.Throttled},
	{code: "ResourceExhausted", kind: handler.Throttled},
	{code: "TooManyRequests", kind: handler.Throttled},
}

const allowInvoke = "allow fc:InvokeFunction on acs:fc:%s:*:functions/%s to the role of this function; if the call is still refused, allow it on all resources"

var invokeStatuses = map[int]handler.Kind{
	http.StatusBadRequest: handler.Invalid, http.StatusUnauthorized: handler.Forbidden, http.StatusForbidden: handler.Forbidden,
	http.StatusNotFound: handler.Internal, http.StatusRequestEntityTooLarge: handler.Invalid, http.StatusTooManyRequests: handler.Throttled,
}

// failure turns the error of an invocation into a handler.Error.
func (o InvokeOptions) failure(ctx context.Context, c Credential, b *bound, response *responses.CommonResponse, err error) *handler.Error {
	var server *sdkerrors.ServerError
	if !errors.As(err, &server) {
		return failure(ctx, invokeAction, c, b, err)
	}
	var said struct{ Code, ErrorCode, Message, ErrorMessage, RequestId string } // the second names are from version 2021
	_ = json.Unmarshal(response.GetHttpContentBytes(), &said)                   // a page of a proxy has no code
	status, code := server.HttpStatus(), cmp.Or(said.Code, said.ErrorCode)
	row, known := meaningOf(code, invokeCodes)
	message := cmp.Or(said.Message, said.ErrorMessage)
	switch {
	case code == "":
		row, message = notTheAPI(status), fmt.Sprintf("status %d, which is not the API's own answer", status)
	case !known:
		row.kind = cmp.Or(invokeStatuses[status], handler.Unavailable)
	}
	if row.fix == allowInvoke {
		row.fix = fmt.Sprintf(allowInvoke, o.Region, o.Function)
	}
	e := handler.Errorf(row.kind, "%s: %s", invokeAction, row.explain("", b, handler.ClipTo(redact(c, message), longest)))
	e.Code, e.RequestID = handler.ClipTo(redact(c, code), longest), handler.ClipTo(redact(c, said.RequestId), longest)
	e.Uncertain = row.uncertain || status >= http.StatusInternalServerError && row.kind != handler.Throttled
	return e
}
