package lambda_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tairssl/handler"
)

// ears record everything that leaves the function, except the calls that it signs.
type ears struct {
	chance *rand.Rand
	stormy atomic.Bool // whether messages to people and queues may get lost

	mu    sync.Mutex
	texts map[string]*strings.Builder // by channel
	codes map[string]string           // proofs and codes that only one caller may see
}

func (e *ears) hear(channel string, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.texts[channel] == nil {
		e.texts[channel] = &strings.Builder{}
	}
	e.texts[channel].WriteString(text + "\n")
}

func (e *ears) present(name, secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(secret) > 14 {
		e.codes[fmt.Sprint(name, " ", len(e.codes))] = secret
	}
}

// channel is a writer that the ears record.
type channel struct {
	*ears
	name string
}

func (c channel) Write(b []byte) (int, error) { c.hear(c.name, string(b)); return len(b), nil }

// RoundTrip receives the messages to people. Its answers tempt the function to print what
// it has sent.
func (e *ears) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	text := fmt.Sprint(r.Header, " ", string(body))
	if r.URL.Host == "open.feishu.cn" { // Feishu may see its own secrets
		text = strings.NewReplacer(secrets["feishu app secret"], "its own", secrets["feishu's bearer"], "its own").Replace(text)
	}
	to := "notifications"
	for _, reply := range []string{"/commands/", "/sendBySession", "/im/v1/messages/"} {
		if strings.Contains(r.URL.Path, reply) {
			to = "replies" // to the person who asked
		}
	}
	e.hear(to, text)
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{"Location": {r.URL.String()}}}, nil
	}
	if strings.HasSuffix(r.URL.Path, "/tenant_access_token/internal") {
		return answer(http.StatusOK, fmt.Sprintf(`{"code":0,"tenant_access_token":%q,"expire":7200}`, secrets["feishu's bearer"]))
	}
	if !e.stormy.Load() {
		return answer(http.StatusOK, "ok")
	}
	switch e.chance.IntN(6) {
	case 0:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	case 1:
		return answer(http.StatusInternalServerError, r.URL.String()+text)
	case 2:
		return answer(http.StatusFound, r.URL.String())
	case 3:
		return answer(http.StatusOK, `{"errcode":310000,"errmsg":`+string(handler.JSON("sign not match: "+r.URL.String()))+`}`)
	case 4:
		panic("the transport is broken")
	}
	return answer(http.StatusOK, "ok")
}

// check searches everything that was recorded for every secret.
func (s *stage) check() (found []string) {
	for _, channel := range []string{"log", "stdout", "stderr", "answers", "replies", "errors", "notifications", "handed"} {
		text := ""
		if b := s.texts[channel]; b != nil {
			text = b.String()
		}
		for _, leak := range leaks(text, secrets) {
			found = append(found, channel+": "+leak)
		}
		if channel == "answers" || channel == "replies" {
			continue // the person who asked gets the code there
		}
		for name, code := range s.codes {
			if at := strings.Index(text, code); at >= 0 {
				found = append(found, fmt.Sprintf("%s: %s: …%q…", channel, name, text[max(0, at-60):min(len(text), at+60)]))
			}
		}
	}
	return found
}

// printed records the process's own output while do runs.
func (s *stage) printed(t *testing.T, do func()) {
	t.Helper()
	for name, stream := range map[string]**os.File{"stdout": &os.Stdout, "stderr": &os.Stderr} {
		file, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		was := *stream
		*stream = file
		defer func() {
			*stream = was
			_ = file.Close()
			text, err := os.ReadFile(file.Name())
			if err != nil {
				t.Error(err)
			}
			s.hear(name, string(text))
		}()
	}
	do()
}
