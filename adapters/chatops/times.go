package chatops

import (
	"context"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// The times of a chat. What an invocation keeps at its end is a [handler.Margin].
const (
	// shortLimit and longLimit are the time limits of an answer, from the receipt of the
	// request: the platform's own limit of 3 s, or of 5 s for Teams and WeCom, less the
	// time on the way. Longer work is handed over.
	shortLimit = 2500 * time.Millisecond
	longLimit  = 4 * time.Second
	// postLimit is the time for posting an answer, if the invocation lasts that long. If
	// the platform shows nobody the body, a late answer is better than no answer.
	postLimit = time.Second
	// longestReply is the time limit for sending the answer of handed work, and
	// replyTries is the greatest number of tries.
	longestReply = 20 * time.Second
	replyTries   = 3
	// longestWatch is the longest time for which a confirmed change is watched.
	longestWatch = 2 * time.Minute
	// HandedLife is the greatest age of a message when its work begins. After that, its
	// sender may have done something else.
	HandedLife = 10 * time.Minute
	// usedFor is the time for which this process refuses a used code, because people may
	// press a button twice. After that time the code works again, because another process
	// may have told the person to use it again. The lease prevents a second change.
	usedFor = time.Minute
	// repeatedFor is the time in which a platform may send a message again. Feishu tries
	// for hours, but no code is valid for that long.
	repeatedFor = 15 * time.Minute
	// codeLife is the time for which a code is valid, up to the end of a whole minute.
	codeLife = 5 * time.Minute
	// codeMemory is the time for which an expired code is still recognised.
	codeMemory = time.Hour
	// wrongPause is the pause after mostWrong wrong codes.
	wrongPause = time.Minute
	// tokenMargin is how long before its end an access token is no longer used.
	tokenMargin = 5 * time.Minute
)

// timeToWatch is how long a change is watched.
func timeToWatch(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return longestWatch
	}
	return min(longestWatch, max(0, time.Until(deadline)-handler.WatchMargin))
}

// timeToHand lasts long enough to hand work over, even if ctx is about to end, because
// the work is worth more than an answer in time.
func timeToHand(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(handler.HandMargin.Time)
	if deadline, ok := ctx.Deadline(); ok && deadline.After(until) {
		until = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), until)
}

// timeToPost lasts as long as the route has time, and at least postLimit. It does not
// matter whether the platform still waits for the body.
func timeToPost(q webhook.Request) (context.Context, context.CancelFunc) {
	until := time.Now().Add(postLimit)
	if d, ok := q.HTTP().Context().Deadline(); ok && d.After(until) {
		until = d
	}
	if d, ok := q.Invocation().Deadline(); ok && d.Before(until) {
		until = d
	}
	return context.WithDeadline(context.WithoutCancel(q.Invocation()), until)
}

// timeToReply lasts at most as long as the invocation. It does not end with the work: if
// the work was cancelled, the answer says so.
func timeToReply(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(longestReply)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), until)
}
