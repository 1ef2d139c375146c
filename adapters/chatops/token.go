package chatops

import (
	"context"
	"sync"
	"time"

	"tairssl/adapters/notify"
)

// tokens stores the access tokens of apps until shortly before they end.
type tokens struct {
	mu sync.Mutex
	of map[string]token
}

type token struct {
	text string
	ends time.Time
}

// get returns the stored token of a key, or fetches a new token. If anew is true, it
// drops the stored token, because a new app secret ends a token early. A caller never
// waits for another caller's fetch, because that fetch may hang.
func (t *tokens) get(ctx context.Context, key string, now time.Time, anew bool, fetch func(context.Context) (string, time.Duration, error)) (string, error) {
	t.mu.Lock()
	kept := t.of[key]
	t.mu.Unlock()
	if !anew && now.Before(kept.ends) {
		return kept.text, nil
	}
	text, life, err := fetch(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]token{}
	}
	t.of[key] = token{text, now.Add(life - tokenMargin)}
	return text, nil
}

// ask sends one request and reads its answer.
func (c *Chat) ask(ctx context.Context, post notify.Post, read func([]byte) error) error {
	sender := notify.Sender{Transport: c.Transport}
	return sender.Send(ctx, notify.Send{
		Tries: 1,
		Make:  func(context.Context, bool) (notify.Post, error) { return post, nil },
		Accepted: func(status int, body []byte) error {
			if err := notify.Taken(status, body); err != nil {
				return err
			}
			return read(body)
		},
	})
}
