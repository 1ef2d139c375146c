package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// Chat is what the chat routes need beside their secrets.
type Chat struct {
	Bot *chatops.Bot
	// ReplyHosts are the exact hosts to which an answer may be sent, beside the
	// one in the body; none by default.
	ReplyHosts []string
	// Transport makes those requests; default http.DefaultTransport.
	Transport http.RoundTripper
}

// How long an answer may take: the platform's limit, less the way.
const (
	shortLimit = 2800 * time.Millisecond
	longLimit  = 4700 * time.Millisecond
)

// say asks the bot. A chat message is answered 200 once it is authentic,
// whatever it says.
func (h *Handler) say(q *request, m chatops.Message) chatops.Reply {
	m.Weak = q.scheme.Weak
	// The bot has to be done a little earlier, so that its answer gets out.
	deadline, _ := q.http.Context().Deadline() // every chat route has one
	ctx, cancel := context.WithDeadline(q.http.Context(), deadline.Add(-100*time.Millisecond))
	defer cancel()
	q.attrs = append(q.attrs, slog.String("trigger", m.Platform))
	return h.Chat.Bot.Say(ctx, m)
}

// reply writes an answer in the platform's own format.
func (q *request) reply(v any) { q.write(http.StatusOK, handler.JSON(v)) }

// malformed refuses a body that is authentic but makes no sense.
func (q *request) malformed(what string) {
	q.refuse(handler.Errorf(handler.Invalid, "the message can not be read: %s", what), 0, nil)
}

var errHost = errors.New("its host is not among TAIRSSL_CHAT_REPLY_HOSTS")

// post sends an answer to one of the hosts that the configuration names, by
// HTTPS and without following anything. Its errors hold no URL.
func (h *Handler) post(ctx context.Context, target string, bearer string, body, into any) error {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(h.Chat.ReplyHosts, u.Host) {
		return errHost
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(handler.JSON(body)))
	if err != nil {
		return errHost
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	client := http.Client{Transport: h.Chat.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error // its text is the URL, which is a secret
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxChat))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered with status %d", resp.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// sent logs what became of an answer that was posted.
func (q *request) sent(err error) {
	result := "sent"
	if err != nil {
		result = err.Error()
	}
	q.attrs = append(q.attrs, slog.String("reply", result))
}

// form reads a form in which no field is doubled.
func form(body []byte) (url.Values, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("it is not a form")
	}
	for name, list := range values {
		if len(list) > 1 {
			return nil, fmt.Errorf("the field %s is doubled", clip(name))
		}
	}
	return values, nil
}

func isForm(media string) bool { return media == "application/x-www-form-urlencoded" }

// markdown joins lines so that each stays a line of its own where markdown
// would run them together.
func markdown(r chatops.Reply) string { return strings.Join(r.Lines, "\n\n") }
