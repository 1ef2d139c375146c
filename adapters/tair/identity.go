package tair

import (
	"context"

	"tairssl/handler"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"
)

// Identity is the owner of a credential.
type Identity struct {
	AccountID string // "1234567890123456"
	ARN       string // "acs:ram::1234567890123456:user/name"
	Kind      string // Account, RAMUser or AssumedRoleUser
}

// identityRequest and identityResponse are the types of GetCallerIdentity. The SDK's
// package for STS also has them, but it would link all actions of STS into every program
// that uses this package.
type identityRequest struct{ *requests.RpcRequest }

type identityResponse struct {
	*responses.BaseResponse
	RequestId, AccountId, Arn, IdentityType string
}

// Identity calls GetCallerIdentity of STS (version 2015-04-01) in a region. The call needs
// no right.
func (c *Client) Identity(ctx context.Context, sts Endpoint, region string) (Identity, error) {
	return again(ctx, func() (Identity, error) {
		req := &identityRequest{&requests.RpcRequest{}}
		req.InitWithApiInfo("Sts", "2015-04-01", "GetCallerIdentity", "", "")
		to := way{region: region, endpoint: func(region string) (string, string) { return sts.of("sts", region) }, timeout: readTimeout}
		answer, err := call(ctx, c, to, req, func(client *kvstore.Client, req *identityRequest) (*identityResponse, error) {
			resp := &identityResponse{BaseResponse: &responses.BaseResponse{}}
			return resp, client.DoAction(req, resp)
		})
		resp := answer.content
		if err == nil && (resp.RequestId == "" || resp.AccountId == "" || resp.Arn == "") {
			err = malformed("GetCallerIdentity")
		}
		if err != nil {
			return Identity{}, err
		}
		return Identity{AccountID: handler.ClipTo(resp.AccountId, longest), ARN: handler.ClipTo(resp.Arn, longest), Kind: handler.ClipTo(resp.IdentityType, longest)}, nil
	})
}
