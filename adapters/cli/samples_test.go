package cli

import (
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/cli/localruntime"
	"tairssl/handler/handlertest"
)

func TestSamplesGoToTheCloudThatSendsThem(t *testing.T) {
	fc := []string{"timer", "timer-sweep", "mns-topic", "cloudmonitor", "cloudevent-mns-queue", "cloudevent-scheduled-operation",
		"cloudevent-slb-certificate", "mns-topic-stream", "destination-fc", "stream-objects", "stream-strings", "fc-http", "fc-http-cloudevents"}
	for file, payload := range handlertest.Samples(t, "../../events") {
		want := localruntime.Lambda
		if slices.Contains(fc, strings.TrimSuffix(file, ".json")) {
			want = localruntime.FC
		}
		if got := sentBy(payload); got != want {
			t.Errorf("%s goes to %s, want %s", file, got, want)
		}
	}
	for _, payload := range []string{"", "[]", "7", "[7]", "{"} {
		if got := sentBy([]byte(payload)); got != localruntime.Lambda {
			t.Errorf("%q goes to %s", payload, got)
		}
	}
}
