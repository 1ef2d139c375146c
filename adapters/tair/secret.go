package tair

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"

	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"

	"tairssl/handler"
)

// SecretOptions configure [Secret]. Credentials and Region are required.
type SecretOptions struct {
	Credentials Credentials
	Region      string
	// Endpoint is the endpoint of KMS; the zero value means
	// https://kms.{region}.aliyuncs.com.
	Endpoint Endpoint
	RootCAs  *x509.CertPool // nil for the roots of the system
}

const secretAction = "KMS, GetSecretValue"

// Secret reads the current version of a secret from Alibaba's KMS: GetSecretValue of KMS
// 2016-01-20.
//
// Errors: Forbidden if the right is missing, NotFound, Invalid, and Throttled and
// Unavailable if a later call may succeed. No error shows the name or the value of the
// secret.
func Secret(ctx context.Context, o SecretOptions, name string) (string, error) {
	if !handler.ValidRegion(o.Region) {
		return "", handler.Errorf(handler.Invalid, "%s: %q is not a region id such as cn-hangzhou", secretAction, handler.ClipTo(o.Region, longest))
	}
	credential, err := o.Credentials(ctx)
	if err != nil {
		return "", handler.AsError(err)
	}
	request := requests.NewCommonRequest()
	request.Product, request.Version, request.ApiName = "Kms", "2016-01-20", "GetSecretValue"
	request.Method = requests.POST
	request.Scheme, request.Domain = o.Endpoint.of("kms", o.Region)
	request.QueryParams["SecretName"] = name
	response, transport, err := once(ctx, o.Region, o.RootCAs, credential, request)
	var server *sdkerrors.ServerError
	switch {
	case errors.As(err, &server):
		return "", refusedSecret(credential, server)
	case err != nil:
		return "", failure(ctx, secretAction, credential, transport, err)
	}
	var answer struct{ SecretData, SecretDataType string }
	if json.Unmarshal(response.GetHttpContentBytes(), &answer) != nil {
		return "", handler.Errorf(handler.Unavailable, "%s: the answer has an unexpected form", secretAction)
	}
	if answer.SecretDataType == "binary" {
		return "", handler.Errorf(handler.Invalid, "%s: the secret is binary: store it as text", secretAction)
	}
	return answer.SecretData, nil
}

// secretStatuses gives the meaning of a refusal by its HTTP status. KMS's own message is
// not used, because it holds the name of the secret.
var secretStatuses = map[int]struct {
	kind handler.Kind
	fix  string
}{
	http.StatusForbidden:       {handler.Forbidden, "allow the function's role kms:GetSecretValue on the secret and kms:Decrypt on its key"},
	http.StatusNotFound:        {handler.NotFound, "there is no such secret in this region"},
	http.StatusBadRequest:      {handler.Invalid, "KMS does not accept the name or the credential"},
	http.StatusTooManyRequests: {handler.Throttled, "the rate is used up"},
}

func refusedSecret(c Credential, server *sdkerrors.ServerError) error {
	row, known := secretStatuses[server.HttpStatus()]
	if !known {
		row.kind, row.fix = handler.Unavailable, "KMS has a fault"
	}
	e := handler.Errorf(row.kind, "%s: refused with %s: %s", secretAction, cmp.Or(handler.ClipTo(redact(c, server.ErrorCode()), longest), "no code"), row.fix)
	e.Code = handler.ClipTo(redact(c, server.ErrorCode()), longest)
	return e
}
