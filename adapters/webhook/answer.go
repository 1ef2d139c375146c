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
	if event.IsBinary(q.http.Header) { // no signature covers attributes in headers
		q.trust = handler.Weak
	}
	h.answer(q, h.Decoder.CloudEvents(q.http.Header, q.body))
}

// answer carries out a request and answers with its status.
func (h *Handler) answer(q *request, asked event.Asked) {
	if n := len(asked.Requests); n > handler.MaxBatch {
		fault := handler.Invalidf("the message asks for %d changes, but at most %d are allowed: split it into several messages", n, handler.MaxBatch)
		asked = event.Asked{Requests: []handler.Delivery{fault}, Trigger: asked.Trigger, ID: asked.ID}
	}
	a := h.do(q, asked)
	q.write(a.HTTPStatus(), a.Body())
}

func (h *Handler) alertmanager(q *request) { h.alerts(q, "alertmanager") }
func (h *Handler) grafana(q *request)      { h.alerts(q, "grafana") }

// alerts answers 503 only if sending the alerts again helps. Alertmanager sends again
// after a 5xx only, and repeats an alert for as long as it fires. It answers 400 if no
// part of the body can be read, so that the sender logs the error.
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

// do carries out an authentic request, within the limits of its trust.
func (h *Handler) do(q *request, asked event.Asked) event.Answer {
	asked = h.weighed(q, asked)
	if q.trust == handler.Weak {
		return h.Answer(q.http.Context(), asked) // repeating any request of a weak sender is harmless
	}
	// The key consists of the parts that the signature covers. The signature itself is no
	// part of the key, because its header can be written in many ways.
	key := q.http.Header.Get(standardID) + "." + q.http.Header.Get(standardTime) + "." + string(MAC(sha256.New, nil, string(q.body)))
	switch h.done.begin(key, h.Now()) {
	case underWay:
		q.attrs = append(q.attrs, slog.Bool("repeated", true))
		return underWayAnswer(asked)
	case over:
		q.attrs = append(q.attrs, slog.Bool("repeated", true))
		return h.Answer(q.http.Context(), alreadyDone(asked))
	}
	// The message is remembered before the work, because it may be delivered again
	// meanwhile. It is forgotten if another delivery can help, if nothing was changed, or
	// after a panic.
	keep := false
	defer func() { h.done.end(key, keep) }()
	a := h.Answer(q.http.Context(), asked)
	keep = a.Redeliver() == nil && changed(a)
	return a
}

// weighed limits a request by the trust of its sender.
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
			asked.Requests[i].Wait = nil // a weak sender may not make the invocation wait
		}
	}
	return asked
}

// alreadyDone replaces the requests of a message by requests that change nothing.
func alreadyDone(asked event.Asked) event.Asked {
	const why = "this message was already carried out"
	if asked.Sweep != nil {
		asked.Sweep, asked.Requests = nil, []handler.Delivery{{}}
	}
	for i, r := range asked.Requests {
		asked.Requests[i] = r.Unchangedf(why)
	}
	return asked
}

// underWayAnswer tells the sender of a repeated message to come again, because the result
// of the first delivery is not known yet.
func underWayAnswer(asked event.Asked) event.Answer {
	asked.Sweep = nil
	a := event.Answer{Asked: asked}
	for i := range max(len(asked.Requests), 1) {
		r := handler.Result{Outcome: handler.InProgress, Reason: "this message is being carried out", Busy: true}
		if i < len(asked.Requests) {
			r.InstanceID, r.RegionID, r.SSLEnabled = asked.Requests[i].InstanceID, asked.Requests[i].RegionID, asked.Requests[i].SSLEnabled
		}
		a.Results = append(a.Results, r)
	}
	return a
}

// changed reports whether anything was changed.
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
