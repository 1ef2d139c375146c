package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// Post is one message to one place.
type Post struct {
	URL    url.URL
	Header http.Header
	Body   []byte
	// Secrets lists the secrets in Body, because the place may repeat them in an error.
	Secrets []string
}

// Send says how to send a message.
type Send struct {
	// Make gives the message. It is called before each try. renew says that the place
	// refused the last access token.
	Make func(ctx context.Context, renew bool) (Post, error)
	// Accepted reads an answer. A nil error means that the place took the message. An
	// error that wraps [ErrToken] means that the place refused the access token. An error
	// that wraps [ErrBusy] means that a later try may succeed.
	Accepted func(status int, body []byte) error
	// Tries is the greatest number of tries. A try with a new access token does not
	// count.
	Tries int
	// Lost says that a message without an answer is sent again, although the place may
	// have taken it.
	Lost bool
}

// Sender sends messages to chats: answers and notices.
type Sender struct {
	// Transport makes the requests. It is not a Client, because a Client would follow
	// redirects and put the URL, which is a secret, into its errors.
	Transport http.RoundTripper
	pause     time.Duration // before the second try; twice as long after each further try; 0 for firstPause
}

var (
	// ErrToken says that a place refused the access token.
	ErrToken = errors.New("the access token was refused")
	// ErrBusy says that a place got too many messages or has a fault. The HTTP status
	// does not matter.
	ErrBusy = errors.New("it may take the message later")
)

// Refusal is the error for a message that a place did not take.
type Refusal struct {
	Status int
	After  time.Duration // the pause before the next try, if the place names one
	Err    error         // in the words of the place
	text   string        // the text of Err without the secrets of the message's address
}

// Error returns the words of the place. The secrets are removed, because the place may
// have repeated them.
func (r *Refusal) Error() string { return r.text }

// Unwrap returns the error of [Send].Accepted.
func (r *Refusal) Unwrap() error { return r.Err }

// Passing reports whether another try may succeed.
func (r *Refusal) Passing() bool {
	return r.Status == http.StatusTooManyRequests || r.Status >= http.StatusInternalServerError || errors.Is(r.Err, ErrBusy)
}

// Passing reports whether a later try may succeed after an error of [Sender.Send].
func Passing(err error) bool {
	var refused *Refusal
	return !errors.As(err, &refused) || refused.Passing()
}

// lostError means that a message got no answer.
type lostError struct{ error }

// Send sends a message until the place takes it, until the place refuses it for good,
// until all tries are used up, or until ctx ends. Its errors contain no URL.
func (s *Sender) Send(ctx context.Context, m Send) error {
	pause, renew, renewed := s.pause, false, false
	if pause == 0 {
		pause = firstPause
	}
	for try := 1; ; try++ {
		err := s.once(ctx, m, renew)
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrToken) && !renewed {
			renew, renewed = true, true
			try--
			continue
		}
		renew = false
		wait, again := m.again(err, pause)
		if !again || try >= m.Tries || !sleep(ctx, wait) {
			return err
		}
		pause *= 2
	}
}

// again reports whether to send a message again, and after which pause.
func (m Send) again(err error, pause time.Duration) (time.Duration, bool) {
	var refused *Refusal
	var unanswered lostError
	switch {
	case errors.As(err, &refused):
		return max(pause, refused.After), refused.Passing()
	case errors.As(err, &unanswered):
		return pause, m.Lost
	}
	return 0, false
}

// sleep waits. It returns false at once if ctx would end during the wait.
func sleep(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// once makes one try.
func (s *Sender) once(ctx context.Context, m Send, renew bool) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	p, err := m.Make(ctx, renew)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL.String(), bytes.NewReader(p.Body))
	if err != nil {
		return errors.New("the URL cannot be used")
	}
	req.Header = p.Header
	req.Header.Set("User-Agent", handler.UserAgent())
	began := time.Now()
	resp, err := s.Transport.RoundTrip(req)
	if err != nil {
		return lostError{unanswered(ctx, began, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		err := fmt.Errorf("answered with a redirect (%d), which is not followed: set the URL to which it redirects", resp.StatusCode)
		return &Refusal{Status: resp.StatusCode, Err: err, text: err.Error()}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return lostError{unanswered(ctx, began, err)}
	}
	if err := m.Accepted(resp.StatusCode, body); err != nil {
		return &Refusal{resp.StatusCode, retryAfter(resp.Header, time.Now()), err, p.redact(err.Error())}
	}
	return nil
}

// redact removes from a text the address and every part of the address that may be a
// secret. A person who knows the address can write into the chat.
func (p Post) redact(text string) string {
	secrets := append([]string{p.URL.String(), p.URL.RequestURI(), p.URL.RawQuery}, p.Secrets...)
	secrets = append(secrets, strings.Fields(p.Header.Get("Authorization"))...)
	for _, segment := range strings.Split(p.URL.Path, "/") {
		if len(segment) >= 20 || strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz-_") != "" { // a short segment of letters is a word and no secret
			secrets = append(secrets, segment)
		}
	}
	for _, values := range p.URL.Query() {
		secrets = append(secrets, values...)
	}
	return hide(text, secrets, 6)
}

// hide replaces secrets in a text. It keeps values of fewer than least bytes, because
// such short values are no secrets and may be parts of words.
func hide(text string, secrets []string, least int) string {
	// The longest first, because one secret may be part of another.
	secrets = slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		if len(secret) >= least {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// retryAfter reads the header Retry-After: seconds, or a date (RFC 9110). Slack and Feishu
// send seconds.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if n, err := strconv.ParseUint(value, 10, 20); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
