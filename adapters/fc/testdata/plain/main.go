// Command plain is an ordinary handler. The start time and the size of tairssl are
// compared with it. It uses the same libraries in the shortest way, and creates them only
// when they are needed.
package main

import (
	"context"
	"encoding/json"
	"os"
	"sync"

	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"
	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/go-playground/validator/v10"
)

type request struct {
	InstanceId string `validate:"required"`
	SSLEnabled string `validate:"oneof=Enable Disable Update"`
	RegionId   string `validate:"required"`
}

var validate = sync.OnceValue(func() *validator.Validate { return validator.New() })

func handle(_ context.Context, r request) (json.RawMessage, error) {
	if err := validate().Struct(r); err != nil {
		return nil, err
	}
	client, err := kvstore.NewClientWithAccessKey(r.RegionId, os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"))
	if err != nil {
		return nil, err
	}
	call := kvstore.CreateModifyInstanceSSLRequest()
	call.Scheme, call.InstanceId, call.SSLEnabled = "https", r.InstanceId, r.SSLEnabled
	resp, err := client.ModifyInstanceSSL(call)
	if err != nil {
		return nil, err
	}
	return json.Marshal(resp.TaskId)
}

func main() { fc.Start(handle) }
