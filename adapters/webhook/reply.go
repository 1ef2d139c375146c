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
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// replyHosts are where each platform takes answers, by its own documentation.
// Mattermost is at home wherever its operator runs it.
var replyHosts = map[string][]string{
	"slack":    {"hooks.slack.com", "hooks.slack-gov.com"},
	"dingtalk": {"oapi.dingtalk.com", "api.dingtalk.com"},
	"feishu":   {"open.feishu.cn", "open.larksuite.com"},
}

// mayReply reports whether a platform's answers may go to a host: one of its
// own, or one that the operator named and that is no other vendor's.
func (h *Handler) mayReply(platform, host string) bool {
	if slices.Contains(replyHosts[platform], host) {
		return true
	}
	name, _, _ := strings.Cut(host, ":")
	for vendor, hosts := range replyHosts {
		if vendor != platform && slices.Contains(hosts, name) {
			return false
		}
	}
	return slices.Contains(h.Chat.ReplyHosts, host)
}

// replies send an answer of a platform to an address that came with a message.
// A platform that has no row can not be answered later.
var replies = map[string]func(h *Handler, ctx context.Context, to string, r chatops.Reply) error{
	"slack": func(h *Handler, ctx context.Context, to string, r chatops.Reply) error {
		return h.post(ctx, "slack", to, "", slackAnswer(r), nil)
	},
	"mattermost": func(h *Handler, ctx context.Context, to string, r chatops.Reply) error {
		return h.post(ctx, "mattermost", to, "", mattermostAnswer(r), nil)
	},
	"dingtalk": (*Handler).dingTalkReply,
	"feishu":   (*Handler).larkReply,
}

// maxAddress bounds an address: those of the platforms have some 200 characters.
const maxAddress = 1 << 10

// address is where a message of a platform can be answered later; "" if what it
// came with is no place to send anything to.
func (h *Handler) address(platform, to string) chatops.Address {
	if u, err := url.Parse(to); len(to) > maxAddress || err != nil || !h.mayPost(platform, u) {
		return ""
	}
	return chatops.Address(to)
}

func (h *Handler) mayPost(platform string, u *url.URL) bool {
	return u.Scheme == "https" && u.User == nil && h.mayReply(platform, u.Host)
}

var errHost = errors.New("the address that came with the message is not the platform's own, and its host is not among TAIRSSL_CHAT_REPLY_HOSTS")

// statusError is an answer that says that the reply was not taken.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("answered with status %d", int(s)) }

// lostError is a reply that got no answer.
type lostError struct{ error }

// passing reports whether a reply may be taken if it is sent again.
func passing(err error) bool {
	var status statusError
	var lost lostError
	return errors.As(err, &lost) || errors.As(err, &status) && (status == http.StatusTooManyRequests || status >= http.StatusInternalServerError)
}

// post sends JSON to where a platform takes answers, by HTTPS and without
// following anything. Its errors hold no URL.
func (h *Handler) post(ctx context.Context, platform, target, bearer string, body, into any) error {
	u, err := url.Parse(target)
	if err != nil || !h.mayPost(platform, u) {
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
		return lostError{err}
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxChat))
	if err != nil {
		return lostError{err}
	}
	if resp.StatusCode != http.StatusOK {
		return statusError(resp.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// tell sends an answer to where a message came from, at most so many times.
func (h *Handler) tell(ctx context.Context, platform, to string, r chatops.Reply, tries uint) (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = errors.New("an unexpected fault; the log has the details")
		}
	}()
	send, ok := replies[platform]
	if !ok {
		return errHost
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		attempt, cancel := context.WithTimeout(ctx, replyTimeout)
		defer cancel()
		err := send(h, attempt, to, r)
		if err != nil && !passing(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxTries(tries))
	return err
}

// replyTimeout bounds one attempt to send an answer.
const replyTimeout = 5 * time.Second

// send posts the answer to a message whose sender may not see the body of the
// response, if the message says where to.
func (h *Handler) send(q *request, platform, to string, r chatops.Reply) {
	if to == "" {
		return
	}
	ctx, cancel := q.timeToPost()
	defer cancel()
	q.attrs = append(q.attrs, replied(h.tell(ctx, platform, to, r, 1)))
}

// replied says for the log what became of an answer that was posted.
func replied(err error) slog.Attr {
	if err != nil {
		return slog.String("reply", err.Error())
	}
	return slog.String("reply", "sent")
}
