package cli_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/cli"
)

// relay is a server for chat answers. No CA of the system signed its certificate.
func relay(t *testing.T, s *shell) (hook string, told chan string) {
	t.Helper()
	told = make(chan string, 4)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- string(body)
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "TAIRSSL_CA_FILE="+ca, "TAIRSSL_CHAT_REPLY_HOSTS="+server.Listener.Addr().String())
	return server.URL + "/secret", told
}

// A local server does handed-over work itself, after the answer. It does not end before
// that work is done.
func TestServeMakesAConfirmedChangeAfterTheAnswer(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	hook, told := relay(t, s)
	s.environ = append(s.environ, "TAIRSSL_SLACK_SIGNING_SECRETS=s3cret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listening := make(chan struct{})
	lines, log := &until{want: 2, reached: func() { close(listening) }}, &bytes.Buffer{}
	done := make(chan int)
	go func() {
		done <- cli.Run(ctx, cli.Environment{Args: []string{"serve", "--addr", "127.0.0.1:0"}, Environ: s.environ, Stdout: lines, Stderr: log})
	}()
	<-listening
	base, _, _ := strings.Cut(lines.String(), "\n")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	say := func(text string) string {
		form := url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {hook}}.Encode()
		req, err := http.NewRequest(http.MethodPost, base+"/slack", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = chatops.SignSlack("s3cret", time.Now(), []byte(form))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		answer, _ := io.ReadAll(resp.Body)
		return string(answer)
	}
	code := regexp.MustCompile(`confirm ([A-Z0-9-]{19})`).FindStringSubmatch(say("update " + id))
	if code == nil {
		t.Fatal("there is no code in the plan")
	}
	if answer := say("confirm " + code[1]); !strings.Contains(answer, "Started: update "+id+". I will report the result here.") {
		t.Errorf("confirm is answered %s", answer)
	}
	stop() // while the change is made
	if ended := <-done; ended != 0 || s.restarts() != 1 {
		t.Errorf("interrupted, the exit code is %d after %d restarts", ended, s.restarts())
	}
	select {
	case end := <-told:
		if !strings.Contains(end, "Done: ") {
			t.Errorf("people were told %s", end)
		}
	default:
		t.Errorf("it ended before people were told:\n%s", log)
	}
	if !strings.Contains(log.String(), `"trigger":"handed/slack"`) || strings.Contains(log.String(), "/secret") {
		t.Errorf("the log has\n%s", log)
	}
}
