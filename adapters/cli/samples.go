package cli

import (
	"encoding/json"
	"slices"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/function"
)

// sampleSecrets are what the sample events over HTTP are signed with. They
// open the routes of an emulated cloud, and of nothing else.
// The window is open, so that whoever tries something sees it at any time.
var sampleSecrets = []string{
	function.Prefix + "WINDOW=any",
	function.Prefix + "GITHUB_SECRETS=It's a Secret to Everybody", // GitHub's own example
	function.Prefix + "ALERT_TOKENS=sample-token",
	function.Prefix + "ALERT_BASIC=alertmanager:sample-password",
}

// aliyun are the fields by which a payload shows that Alibaba Cloud sent it:
// those of the HTTP trigger, the timer, a message of MNS, CloudMonitor and
// EventBridge.
var aliyun = []string{"queryParameters", "triggerTime", "TopicName", "attrs", "resourceId", "resourceID", "aliyunaccountid"}

// sentBy is the cloud whose function understands a payload; what both do goes
// to Lambda.
func sentBy(payload []byte) localruntime.Cloud {
	var stream []json.RawMessage
	if json.Unmarshal(payload, &stream) == nil && len(stream) > 0 {
		var text string
		if json.Unmarshal(stream[0], &text) == nil {
			return localruntime.FC // a stream of Kafka
		}
		payload = stream[0]
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(payload, &fields) // what has no fields is for either to refuse
	for name := range fields {
		if slices.Contains(aliyun, name) {
			return localruntime.FC
		}
	}
	return localruntime.Lambda
}
