package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v3"
)

// judgeCall checks the arguments of a call to make or to a command of a cloud.
func judgeCall(t *testing.T, dir string, call []string) {
	t.Helper()
	line := strings.Join(call, " ")
	for n, arg := range call {
		if file, ok := strings.CutPrefix(arg, "file://"); ok && !strings.HasSuffix(arg, ".yaml") {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || !json.Valid(text) {
				t.Errorf("%s: %s holds no JSON, %v", line, file, err)
			}
		}
		if strings.HasPrefix(arg, "{") && !json.Valid([]byte(arg)) {
			t.Errorf("%s: the argument %d is no JSON", line, n)
		}
		if (call[n-min(n, 1)] == "--payload" || call[n-min(n, 1)] == "-e") && !strings.HasPrefix(arg, "-") {
			invoke := exec.Command("dist/tairssl", "invoke", "-", "--emulate")
			invoke.Dir, invoke.Stdin = dir, strings.NewReader(arg)
			if out, err := invoke.CombinedOutput(); err != nil {
				t.Errorf("%s: the function answers %v\n%s", line, err, out)
			}
		}
	}
	text := func(file string) string {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	switch call[0] {
	case "make":
		for _, target := range call[1:] {
			if strings.Contains(target, "=") {
				continue // a variable
			}
			if !strings.Contains(text("Makefile"), "\n"+target+":") {
				t.Errorf("%s: the Makefile has no such target", line)
			}
		}
	case "sam":
		if at := slices.Index(call, "--parameter-overrides"); at > 0 {
			judgeParameters(t, line, text("template.yaml"), text(strings.TrimPrefix(call[at+1], "file://")))
		}
	case "aws":
		judgeAWS(t, dir, call[1:])
	}
}

// judgeParameters checks that the template accepts each parameter of a file, and its
// value.
func judgeParameters(t *testing.T, line, template, file string) {
	t.Helper()
	var values map[string]string
	if err := yaml.Unmarshal([]byte(file), &values); err != nil || len(values) < 3 {
		t.Errorf("%s: the file holds no parameters, %v:\n%s", line, err, file)
	}
	var described struct {
		Parameters map[string]struct {
			AllowedPattern string   `yaml:"AllowedPattern"`
			AllowedValues  []string `yaml:"AllowedValues"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal([]byte(template), &described); err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		parameter, ok := described.Parameters[name]
		if !ok || !regexp.MustCompile(parameter.AllowedPattern).MatchString(value) || len(parameter.AllowedValues) > 0 && !slices.Contains(parameter.AllowedValues, value) {
			t.Errorf("%s: template.yaml takes no parameter %s with the value %q", line, name, value)
		}
	}
}

// judgeAWS makes the call with the real client of AWS to a server of the test, if
// TAIRSSL_CHECK_AWS is set. A call that the client refuses does not arrive there.
func judgeAWS(t *testing.T, dir string, call []string) {
	t.Helper()
	if os.Getenv("TAIRSSL_CHECK_AWS") == "" {
		return
	}
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	var args []string
	for i := 0; i < len(call); i++ {
		if call[i] == "--cli-binary-format" { // only version 2 of the client knows this flag
			i++
			continue
		}
		args = append(args, call[i])
	}
	client := exec.Command("aws", args...)
	client.Dir = dir
	client.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_MAX_ATTEMPTS=1", "AWS_DEFAULT_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x")
	out, _ := client.CombinedOutput() // the server always answers with an error
	if arrived.Load() == 0 {
		t.Errorf("aws %s: the client refuses it:\n%s", strings.Join(call, " "), out)
	}
}
