package function

import (
	"context"
	"net/http"

	"tairssl/adapters/event"
	"tairssl/adapters/notify"
	"tairssl/handler"
)

// notifier sends the notices.
func (r *running) notifier(s Settings, transport http.RoundTripper) *notify.Notifier {
	return notify.New(s.NotifyURLs, notify.Options{
		Token: func(ctx context.Context, host string, renew bool) (string, error) {
			return r.chat.FeishuToken(ctx, host, renew)
		},
		On: s.NotifyOn, Transport: transport, Log: r.log, Undelivered: undelivered,
		Remember: func(ctx context.Context, ref handler.Ref, value string) error {
			return r.client.Tag(ctx, ref, notify.ToldTag, value)
		},
	})
}

// notes lists the results that may cause a notice. A dry run causes none, because the tag
// that remembers a notice would suppress the notice of the real change.
func notes(answers []event.Answer) (all []notify.Note) {
	for _, a := range answers {
		for i, result := range a.Results {
			if a.Requests[i].DryRun {
				continue
			}
			all = append(all, notify.Note{Result: result, Automatic: a.Requests[i].Automatic, Told: result.Tags[notify.ToldTag]})
		}
		if a.Sweep != nil && a.Sweep.DryRun {
			continue
		}
		if a.Failed != nil {
			all = append(all, notify.Note{Result: handler.Result{Outcome: handler.Failed, Reason: a.Failed.Message, Error: a.Failed}, Automatic: true})
		}
		if a.Swept == nil {
			continue
		}
		for _, result := range a.Swept.Results {
			// An instance that was deferred without a look gets its turn in a later
			// sweep.
			if result.Outcome != handler.Deferred || result.Before != nil {
				all = append(all, notify.Note{Result: result, Automatic: true, Told: result.Tags[notify.ToldTag]})
			}
		}
	}
	return all
}

// undelivered counts a notice, or an answer in a chat, that could not be sent.
func undelivered(ctx context.Context) { lineOf(ctx).undelivered() }
