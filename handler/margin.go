package handler

import (
	"context"
	"time"
)

// Margin is time at the end of an invocation that the work may not use, because something
// has to follow the work. If little time is left, the margin is at most one part of that
// time: a tenth if Part is 10.
type Margin struct {
	Time time.Duration
	Part int
}

// The margins of an invocation. The work of a chat message keeps the margins in this
// order. Each margin is taken from the time that the margin before it leaves.
var (
	// ReplyMargin is for the answer into the chat, after work that was handed over:
	// two tries, and a new access token.
	ReplyMargin = Margin{10 * time.Second, 4}
	// BodyMargin is for writing the answer to a chat's request. If the answer is posted
	// to the chat first, PostMargin is for both. Chats wait for 3 to 5 seconds.
	BodyMargin = Margin{100 * time.Millisecond, 1}
	PostMargin = Margin{600 * time.Millisecond, 1}
	// HandMargin is for handing a chat's command to another invocation: a new
	// connection, and one call inside the cloud's own network.
	HandMargin = Margin{800 * time.Millisecond, 1}
	// TextMargin is for composing the answer to a chat.
	TextMargin = Margin{200 * time.Millisecond, 10}
	// NoticeMargin is for sending notices. People need them most if the work used up its
	// time.
	NoticeMargin = Margin{3 * time.Second, 10}
	// AnswerMargin is for the answer to the caller and the line in the log.
	AnswerMargin = Margin{500 * time.Millisecond, 10}
)

// WatchMargin is the time before the end of the invocation at which the bot stops
// watching a change. It is enough for the last look at the instance and for the margins
// of the answer.
const WatchMargin = 15 * time.Second

// Before returns a context that ends earlier than ctx, by the margin. If ctx has no
// deadline, it is returned unchanged.
func (m Margin) Before(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(m.Time, time.Until(deadline)/time.Duration(m.Part))))
}
