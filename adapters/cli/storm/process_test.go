package storm_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
)

var binaries = flag.String("storm.binaries", "", "`folder` of the binaries that make build writes; without it the test builds them")

// packages are the packages of the binaries.
var packages = map[string]string{
	"lambda/bootstrap": "tairssl/adapters/lambda/bootstrap",
	"fc/bootstrap":     "tairssl/adapters/fc/bootstrap",
	"tairssl":          "tairssl/adapters/cli/tairssl",
}

func TestMain(m *testing.M) { runtimetest.Main(m, 32) }

// binary returns the path of a binary.
func binary(t *testing.T, name string) string {
	t.Helper()
	if *binaries != "" {
		return filepath.Join(*binaries, name)
	}
	return runtimetest.Binary(t, packages[name])
}

// function is a process of a real function with its own URL of the API.
type function struct {
	*localruntime.Process
	name  string // such as lambda-2
	cloud localruntime.Cloud
	log   *output
}

// start starts a process of a function that calls api.
func start(t *testing.T, cloud localruntime.Cloud, name string, api http.Handler, timeout time.Duration, settings ...string) *function {
	t.Helper()
	f := &function{name: name, cloud: cloud, log: &output{}}
	p, err := localruntime.Start(context.Background(), cloud, binary(t, string(cloud)+"/bootstrap"), localruntime.Options{
		Env: environment(serve(t, api), settings...), Stderr: f.log, Timeout: timeout, Freeze: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	f.Process = p
	return f
}

// serve serves an API and returns its URL.
func serve(t *testing.T, api http.Handler) (url string) {
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL
}

// environment returns the environment of a process that calls the API at url.
func environment(url string, settings ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"TAIRSSL_ENDPOINT=" + url, "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret",
	}, settings...)
}

// output collects the output of a process.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// of returns the lines that contain an instance id.
func (o *output) of(id string) (lines []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.Lines(o.text.String()) {
		if strings.Contains(line, id) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// instanceID is the id of instance number n.
func instanceID(n int) string { return fmt.Sprintf("r-storm%04d", n) }

// expiry is the time in the given number of days, in the API's form.
func expiry(days int) string {
	return time.Now().AddDate(0, 0, days).UTC().Format("2006-01-02T15:04:05Z")
}
