package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// extension imitates the AWS Parameters and Secrets Lambda extension. It returns the
// environment with its port.
func extension(t *testing.T, serve http.HandlerFunc) []string {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return []string{"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=" + portOf(server.Listener.Addr()), "AWS_SESSION_TOKEN=session"}
}

func portOf(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return port
}

const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:tair/key+x-AbCdEf"

func aws(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Header.Get("X-Aws-Parameters-Secrets-Token") != "session":
		w.WriteHeader(http.StatusForbidden)
	case r.URL.Path == "/secretsmanager/get" && (query.Get("secretId") == "tair/key" || query.Get("secretId") == arn):
		_, _ = fmt.Fprintf(w, `{"ARN":"a","Name":"b","SecretString":%q,"VersionStages":["AWSCURRENT"]}`, `{"id":"emulator","secret":"emulator-secret","n":1}`)
	case r.URL.Path == "/secretsmanager/get" && query.Get("secretId") == "plain":
		_, _ = fmt.Fprint(w, `{"SecretString":"not an object\n"}`)
	case r.URL.Path == "/systemsmanager/parameters/get" && query.Get("name") == "/tair/actions" && query.Get("withDecryption") == "true":
		_, _ = fmt.Fprint(w, `{"Parameter":{"Name":"/tair/actions","Type":"SecureString","Value":"Update,Enable"}}`)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, "an unexpected error occurred while executing request")
	}
}

func TestReferencesAreReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "window")
	if err := os.WriteFile(path, []byte("r-bp1*,\n!r-bp1x\r\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := append(extension(t, aws),
		"ALIBABA_CLOUD_ACCESS_KEY_ID=secretsmanager:tair/key#id",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET= secretsmanager:"+arn+"#secret",
		"TAIRSSL_ACTIONS=ssm:/tair/actions",
		"TAIRSSL_REGION=secretsmanager:plain",
		"TAIRSSL_INSTANCES=file:"+path,
		// These are not references, so they do not change.
		"TAIRSSL_CA_FILE=file:/etc/ca.pem", "TAIRSSL_ENDPOINT=https://file:1", "TAIRSSL_NO_SUCH=ssm:/x", "OTHER=secretsmanager:x", "TAIRSSL_WAIT=5s",
	)
	before := slices.Clone(environ)
	got, err := function.Resolve(context.Background(), environ)
	want := append(slices.Clone(environ[:2]),
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret", "TAIRSSL_ACTIONS=Update,Enable",
		"TAIRSSL_REGION=not an object", "TAIRSSL_INSTANCES=r-bp1*,\n!r-bp1x")
	if want = append(want, environ[7:]...); err != nil || !slices.Equal(got, want) {
		t.Errorf("the environment is %q, %v\nwant %q", got, err, want)
	}
	if !slices.Equal(environ, before) {
		t.Error("Resolve changed the environment of its caller")
	}
}

func TestWithoutReferencesTheExtensionIsNotAsked(t *testing.T) {
	environ := append(extension(t, func(http.ResponseWriter, *http.Request) { t.Error("the extension was asked") }), "TAIRSSL_WAIT=5s", "PATH=file:/x", "EMPTY")
	got, err := function.Resolve(context.Background(), environ)
	if err != nil || &got[0] != &environ[0] {
		t.Errorf("the environment is %v, %v; want the same one", got, err)
	}
}

func TestAllFaultsOfReferencesAreNamedWithoutAValue(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + filepath.Join(dir, name)
	}
	faults := []struct{ variable, value, says string }{
		{"ALIBABA_CLOUD_ACCESS_KEY_ID", "secretsmanager:hidden-name#id", "secretsmanager:GetSecretValue"},
		{"ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secretsmanager:tair/key#hidden-key", "no string"},
		{"TAIRSSL_REGION", "secretsmanager:tair/key#n", "no string"},
		{"TAIRSSL_ENDPOINT", "secretsmanager:plain#hidden-key", "no JSON object"},
		{"TAIRSSL_ACTIONS", "ssm:/hidden-name", "ssm:GetParameter"},
		{"TAIRSSL_INSTANCES", "ssm:/a,ssm:/hidden-name", "want ssm:"},
		{"TAIRSSL_RENEW_BEFORE", "ssm:/hidden-name#key", "want ssm:"},
		{"TAIRSSL_WAIT", "secretsmanager:", "want secretsmanager:"},
		{"TAIRSSL_LEASE", "secretsmanager:hidden-name#", "want secretsmanager:"},
		{"TAIRSSL_PAUSE", "file:" + dir + "/hidden-name", "no such file"},
		{"TAIRSSL_RATE", "file:" + dir, "cannot be read"},
		{"TAIRSSL_CERT_MAP", write("hidden-empty", "\n"), "is empty"},
		{"TAIRSSL_LOG_LEVEL", write("hidden-long", strings.Repeat("x", 64<<10+1)), "longer than"},
	}
	environ := extension(t, aws)
	for _, f := range faults {
		environ = append(environ, f.variable+"="+f.value)
	}
	got, err := function.Resolve(context.Background(), environ)
	if err == nil {
		t.Fatal("all these bad references are accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(faults) || errors.Is(err, handler.Unavailable) {
		t.Errorf("there are %d faults (a later try can help: %t), want %d (a later try cannot help)\n%v", len(lines), errors.Is(err, handler.Unavailable), len(faults), err)
	}
	for _, f := range faults {
		if !slices.ContainsFunc(lines, func(l string) bool {
			return strings.HasPrefix(l, f.variable+": ") && strings.Contains(l, f.says)
		}) {
			t.Errorf("the fault of %s=%s does not contain %q in\n%v", f.variable, f.value, f.says, err)
		}
		if !slices.Contains(got, f.variable+"=") {
			t.Errorf("the environment still has the reference of %s", f.variable)
		}
	}
	if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "emulator") {
		t.Errorf("the error shows a value:\n%v", err)
	}
}

func TestAnExtensionThatIsNotReadyIsAskedAgain(t *testing.T) {
	var asked atomic.Int64
	environ := append(extension(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, "not ready to serve traffic, please wait")
			return
		}
		aws(w, r)
	}), "TAIRSSL_ACTIONS=ssm:/tair/actions")
	got, err := function.Resolve(context.Background(), environ)
	if err != nil || got[2] != "TAIRSSL_ACTIONS=Update,Enable" {
		t.Errorf("the environment is %q, %v", got, err)
	}
}

func TestFaultsOfTheExtensionSayWhetherALaterTryCanHelp(t *testing.T) {
	const unused = "1" // no program listens on this port
	status := func(status int, body string) []string {
		return extension(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status); _, _ = fmt.Fprint(w, body) })
	}
	for name, test := range map[string]struct {
		environ []string
		says    string
		passing bool
	}{
		"no extension":  {[]string{"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=" + unused, "AWS_SESSION_TOKEN=s"}, "add its layer", true},
		"never ready":   {status(400, "not ready to serve traffic, please wait"), "not ready", true},
		"broken":        {status(500, "x"), "status 500", true},
		"throttled":     {status(429, "x"), "status 429", true},
		"no JSON":       {status(200, "hidden"), "no JSON", true},
		"cut":           {extension(t, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }), "no answer", true},
		"redirects":     {status(307, "x"), "status 307", false},
		"endless":       {status(200, strings.Repeat("x", 1<<20)), "longer than", false},
		"not on Lambda": {nil, "only a function on Lambda can read", false},
		"no port":       {[]string{"PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=x y", "AWS_SESSION_TOKEN=s"}, "is no port", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := function.Resolve(context.Background(), append(test.environ, "TAIRSSL_ACTIONS=ssm:/tair/actions"))
			if err == nil || !strings.Contains(err.Error(), test.says) || errors.Is(err, handler.Unavailable) != test.passing || strings.Contains(err.Error(), "hidden") {
				t.Errorf("the error is %v, want one with %q", err, test.says)
			}
		})
	}
}

func TestReadingAReferenceEndsWithTheInvocation(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	environ := append(extension(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }), "TAIRSSL_ACTIONS=ssm:/tair/actions")
	if _, err := function.Resolve(ctx, environ); !errors.Is(err, handler.Unavailable) || !strings.Contains(err.Error(), "TAIRSSL_ACTIONS") {
		t.Errorf("the error is %v, want unavailable", err)
	}
}

// If a reference cannot be read, the invocation fails. Its error also names the faults of
// the other settings. The next invocation reads the reference again, and renews.
func TestTheNextInvocationReadsAFailedReferenceAgain(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	environ := extension(t, func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		aws(w, r)
	})
	e, url := tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1}, tairtest.SampleFleet(time.Now())...)
	log := &bytes.Buffer{}
	environ = append(environ, "TAIRSSL_ENDPOINT="+url, "TAIRSSL_LEASE_PAUSE=1ms",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=secretsmanager:tair/key#id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secretsmanager:tair/key#secret")
	request := []byte(`{"InstanceId":"` + id + `","SSLEnabled":"Update"}`)

	_, err := function.New(function.Options{Environ: append(environ, "TAIRSSL_RATE=fast"), Log: log}).Invoke(context.Background(), request)
	if err == nil || !strings.Contains(err.Error(), "ALIBABA_CLOUD_ACCESS_KEY_SECRET") || !strings.Contains(err.Error(), "TAIRSSL_RATE") {
		t.Errorf("the invocation ends with %v, want the faults of references and of settings", err)
	}

	f := function.New(function.Options{Environ: environ, Log: log})
	_, err = f.Invoke(context.Background(), request)
	var failure *function.Failure
	if !errors.As(err, &failure) || failure.Type != "unavailable" {
		t.Fatalf("the invocation ends with %v, want an error of type unavailable", err)
	}
	down.Store(false)
	answer, err := f.Invoke(context.Background(), request)
	var r handler.Result
	if i, _ := e.Instance(id); err != nil || json.Unmarshal(answer, &r) != nil || r.Outcome != handler.Accepted || i.Restarts != 1 {
		t.Errorf("the next invocation is answered %s, %v", answer, err)
	}
	if strings.Contains(log.String(), "emulator-secret") {
		t.Errorf("the log shows the secret:\n%s", log)
	}
}

// The vault reads the secrets of Alibaba's KMS.
func TestReferencesToKMSAreReadByTheVault(t *testing.T) {
	vault := func(_ context.Context, name string) (string, error) {
		switch name {
		case "tairssl/webhooks":
			return `{"TAIRSSL_CONFIRM_KEY":"k"}`, nil
		case "busy":
			return "", handler.Errorf(handler.Throttled, "later")
		}
		return "", handler.Errorf(handler.Forbidden, "allow kms:GetSecretValue")
	}
	got, err := function.Resolve(context.Background(), []string{"TAIRSSL_SECRETS=kms:tairssl/webhooks"}, vault)
	if err != nil || function.Getenv(got)("TAIRSSL_CONFIRM_KEY") != "k" {
		t.Errorf("the environment is %q, %v; want the key", got, err)
	}
	got, err = function.Resolve(context.Background(), []string{"TAIRSSL_CONFIRM_KEY=kms:tairssl/webhooks#TAIRSSL_CONFIRM_KEY"}, vault)
	if err != nil || function.Getenv(got)("TAIRSSL_CONFIRM_KEY") != "k" {
		t.Errorf("the environment is %q, %v; want the key", got, err)
	}
	for value, want := range map[string]struct {
		says  string
		later bool
	}{"kms:other": {"allow kms:GetSecretValue", false}, "kms:busy": {"later", true}, "kms:": {"want kms:NAME", false}, "kms:a#": {"want kms:NAME", false}, "kms:a b": {"want kms:NAME", false}, "kms:tairssl/webhooks#OTHER": {"no string of that #KEY", false}} {
		_, err := function.Resolve(context.Background(), []string{"TAIRSSL_CONFIRM_KEY=" + value}, vault)
		if err == nil || !strings.Contains(err.Error(), "TAIRSSL_CONFIRM_KEY: ") || !strings.Contains(err.Error(), want.says) || errors.Is(err, handler.Unavailable) != want.later {
			t.Errorf("the reference %s ends with %v", value, err)
		}
	}
	for _, none := range [][]function.Vault{nil, {nil}} {
		if _, err := function.Resolve(context.Background(), []string{"TAIRSSL_CONFIRM_KEY=kms:x"}, none...); err == nil || !strings.Contains(err.Error(), "only a function on Function Compute can read") {
			t.Errorf("without a vault the reference ends with %v", err)
		}
	}
}
