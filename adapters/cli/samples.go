package cli

import (
	"encoding/json"
	"slices"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/function"
)

// sampleSecrets are the secrets of the sample events over HTTP. They are only used with an
// emulated cloud. The maintenance window is always open, so that people who try tairssl
// see a change at any time.
var sampleSecrets = []string{
	function.Prefix + "WINDOW=any",
	function.Prefix + "GITHUB_SECRETS=It's a Secret to Everybody", // GitHub's own example
	function.Prefix + "ALERT_TOKENS=sample-token",
	function.Prefix + "ALERT_BASIC=alertmanager:sample-password",
}

// aliyun are fields that only payloads of Alibaba Cloud have: fields of the HTTP trigger,
// the timer, MNS, CloudMonitor and EventBridge.
var aliyun = []string{"queryParameters", "triggerTime", "TopicName", "attrs", "resourceId", "resourceID", "aliyunaccountid"}

// sentBy is the cloud whose function reads a payload. If both clouds can send the
// payload, it goes to Lambda.
func sentBy(payload []byte) localruntime.Cloud {
	var stream []json.RawMessage
	if json.Unmarshal(payload, &stream) == nil && len(stream) > 0 {
		var text string
		if json.Unmarshal(stream[0], &text) == nil {
			return localruntime.FC // a Kafka stream of Alibaba Cloud
		}
		payload = stream[0]
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(payload, &fields) // a payload without fields goes to Lambda, which refuses it
	for name := range fields {
		if slices.Contains(aliyun, name) {
			return localruntime.FC
		}
	}
	return localruntime.Lambda
}
