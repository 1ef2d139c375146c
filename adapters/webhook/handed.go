package webhook

import (
	"context"
	"log/slog"
	"time"
)

const (
	// replyTime is the time of an invocation that is reserved for the answer.
	replyTime = 10 * time.Second
	// longestReply is how long sending an answer may take, and replyTries how
	// often it is tried.
	longestReply = 20 * time.Second
	replyTries   = 3
)

// Handed does the work of a message that [chatops.Bot.Say] handed over, and
// sends the answer to where the message came from. The payload has to be all
// that an invocation got. Its error is Unauthorized: the payload is not ours.
//
// What came of the work is told to a person, who decides whether to ask again;
// so its failure is no error here, for the platform would begin anew while the
// person does. Neither is an answer that could not be sent: the log has the
// reason, and a repetition would only find the change made.
func (h *Handler) Handed(ctx context.Context, payload []byte) error {
	m, err := h.Chat.Bot.Open(payload)
	if err != nil {
		h.Line(ctx, slog.LevelError, slog.String("trigger", "handed"), slog.Int("bytes", len(payload)), slog.String("denied", err.Error()))
		return err
	}
	work, cancel := beforeReply(ctx)
	defer cancel()
	reply := h.Chat.Bot.Finish(work, m)
	attrs := []slog.Attr{slog.String("trigger", "handed/"+m.Platform), slog.Int("bytes", len(payload))}
	if m.Reply != "" {
		telling, cancel := toReply(ctx)
		defer cancel()
		attrs = append(attrs, replied(h.tell(telling, m.Platform, string(m.Reply), reply, replyTries)))
	}
	h.Line(ctx, slog.LevelInfo, attrs...)
	return nil
}

// beforeReply ends early enough to send the answer.
func beforeReply(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(replyTime, time.Until(deadline)/4)))
}

// toReply lasts as long as the invocation does at most, and even if the work was
// cancelled: the answer says so.
func toReply(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(longestReply)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), until)
}
