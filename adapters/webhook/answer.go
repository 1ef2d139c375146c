package webhook

import (
	"crypto/sha256"
	"log/slog"
	"net/http"

	"tairssl/adapters/event"
	"tairssl/handler"
)

func (h *Handler) ssl(q *request) {
	if q.content() {
		h.answer(q, h.Decoder.Direct(q.body))
	}
}

func (h *Handler) cloudEvents(q *request) {
	if event.IsBinary(q.http.Header) { // no signature covers what stands in headers
		q.trust = handler.Weak
	}
	h.answer(q, h.Decoder.CloudEvents(q.http.Header, q.body))
}

// answer does what was asked and answers by its status.
func (h *Handler) answer(q *request, asked event.Asked) {
	if n := len(asked.Requests); n > handler.MaxBatch {
		fault := handler.Invalidf("the message asks for %d changes; one may ask for %d: send the others in messages of their own", n, handler.MaxBatch)
		asked = event.Asked{Requests: []handler.Delivery{fault}, Trigger: asked.Trigger, ID: asked.ID}
	}
	a := h.do(q, asked)
	q.write(a.HTTPStatus(), a.Body())
}

func (h *Handler) alertmanager(q *request) { h.alerts(q, "alertmanager") }
func (h *Handler) grafana(q *request)      { h.alerts(q, "grafana") }

// alerts answers 503 if, and only if, sending them again helps: Alertmanager
// sends again after a 5xx alone, and for as long as the alert fires anyway. A body
// of which nothing can be read is 400, so that its sender logs it.
func (h *Handler) alerts(q *request, sender string) {
	a := h.do(q, h.Decoder.Alerts(sender, q.body))
	status := http.StatusOK
	if a.Redeliver() != nil {
		status = http.StatusServiceUnavailable
	} else if a.Unread() {
		status = http.StatusBadRequest
	}
	q.write(status, a.Body())
}

// do does what an authentic message asks for, within what its scheme is worth.
func (h *Handler) do(q *request, asked event.Asked) event.Answer {
	asked = h.weighed(q, asked)
	if q.trust == handler.Weak {
		return h.Answer(q.http.Context(), asked) // it can ask for nothing that is not harmless twice
	}
	// The key is what the signature covers: its header may be written in many ways.
	key := q.http.Header.Get(standardID) + "." + q.http.Header.Get(standardTime) + "." + string(MAC(sha256.New, nil, string(q.body)))
	switch h.done.begin(key, h.Now()) {
	case underWay:
		q.attrs = append(q.attrs, slog.Bool("repeated", true))
		return underWayAnswer(asked)
	case over:
		q.attrs = append(q.attrs, slog.Bool("repeated", true))
		return h.Answer(q.http.Context(), alreadyDone(asked))
	}
	// It is remembered before the work: another delivery may come while that goes
	// on. Once it is known that another can help, or that nothing was changed, it is
	// forgotten, after a panic as well.
	keep := false
	defer func() { h.done.end(key, keep) }()
	a := h.Answer(q.http.Context(), asked)
	keep = a.Redeliver() == nil && changed(a)
	return a
}

// weighed is what was asked for, with what the sender is worth.
func (h *Handler) weighed(q *request, asked event.Asked) event.Asked {
	if asked.Sweep != nil && q.trust == handler.Weak {
		refused := handler.Refusedf("the signature or token of this request proves too little to order a sweep: sign the order with Standard Webhooks, invoke the function, or use the command line")
		asked = event.Asked{Requests: []handler.Delivery{refused}, Trigger: asked.Trigger, ID: asked.ID}
	}
	order := ""
	if id := q.http.Header.Get(standardID); id != "" && q.scheme.Name == "standard" {
		order = handler.OrderOf(id)
	}
	for i := range asked.Requests {
		asked.Requests[i].Trust, asked.Requests[i].Order = q.trust, order
		if q.trust == handler.Weak {
			asked.Requests[i].Wait = nil // nor may it hold the invocation
		}
	}
	return asked
}

// alreadyDone asks for nothing in the place of what a message asked for.
func alreadyDone(asked event.Asked) event.Asked {
	const why = "this very message was carried out already"
	if asked.Sweep != nil {
		asked.Sweep, asked.Requests = nil, []handler.Delivery{{}}
	}
	for i, r := range asked.Requests {
		asked.Requests[i] = r.Unchangedf(why)
	}
	return asked
}

// underWayAnswer tells the second of two deliveries to come again: how the first
// ends is not known yet.
func underWayAnswer(asked event.Asked) event.Answer {
	asked.Sweep = nil
	a := event.Answer{Asked: asked}
	for i := range max(len(asked.Requests), 1) {
		r := handler.Result{Outcome: handler.InProgress, Reason: "this very message is being carried out", Busy: true}
		if i < len(asked.Requests) {
			r.InstanceID, r.RegionID, r.SSLEnabled = asked.Requests[i].InstanceID, asked.Requests[i].RegionID, asked.Requests[i].SSLEnabled
		}
		a.Results = append(a.Results, r)
	}
	return a
}

// changed reports whether anything was written.
func changed(a event.Answer) bool {
	results := a.Results
	if a.Swept != nil {
		results = a.Swept.Results
	}
	for _, r := range results {
		if r.Outcome.Changed() {
			return true
		}
	}
	return false
}
