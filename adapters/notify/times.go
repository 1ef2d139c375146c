package notify

import (
	"context"
	"time"

	"tairssl/handler"
)

const (
	// sendTimeout is the time of one try to send a message to one place.
	sendTimeout = 5 * time.Second
	// deliverTimeout is the time of all tries together, at most deliverTries.
	deliverTimeout, deliverTries = 20 * time.Second, 3
	// firstPause is the pause between the first two tries. Each further pause is
	// twice as long.
	firstPause = 500 * time.Millisecond
	// rememberTimeout is the time for setting all tags. A sweep may have hundreds,
	// at the API's rate.
	rememberTimeout     = 20 * time.Second
	rememberConcurrency = 8
	// textPause is the pause between two notices with the same text.
	textPause = time.Hour
	// memoTTL is the time for which a process remembers a notice.
	memoTTL = 24 * time.Hour
	// owedTTL is how long a notice is kept for a place that did not take it.
	owedTTL = 24 * time.Hour
	// DingTalk and WeCom take 20 messages a minute from a robot. DingTalk locks out a
	// robot that sends more, for ten minutes. A process sends at most burst messages at
	// once, and one more after each burstPause. That stays within the limit.
	burst      = 10
	burstPause = 6 * time.Second

	day = 24 * time.Hour
	// nagBefore is how long before the expiry a daily notice of a failing change begins
	// (every nagPause). Earlier, the reminders are enough, so that nobody is woken every
	// night for two weeks.
	nagBefore = 7 * day
	nagPause  = day
	// offPause is the pause between two notices of an instance that is opted out and due.
	offPause = 7 * day
)

// TimeToTell returns the context for the work of an invocation. If the settings name a
// place for notices, the context ends early enough to send them.
func (n *Notifier) TimeToTell(ctx context.Context) (context.Context, context.CancelFunc) {
	if len(n.urls) == 0 {
		return ctx, func() {}
	}
	return handler.NoticeMargin.Before(ctx)
}
