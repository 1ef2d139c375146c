package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/cli/localruntime"
)

func TestSamplesGoToTheCloudThatSendsThem(t *testing.T) {
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	fc := []string{"timer", "timer-sweep", "mns-topic", "cloudmonitor", "cloudevent-mns-queue", "cloudevent-scheduled-operation",
		"cloudevent-slb-certificate", "mns-topic-stream", "destination-fc", "stream-objects", "stream-strings", "fc-http", "fc-http-cloudevents"}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := localruntime.Lambda
		if slices.Contains(fc, strings.TrimSuffix(filepath.Base(file), ".json")) {
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
