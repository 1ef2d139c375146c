package webhook

import (
	"net/http"
	"slices"
	"strings"

	"tairssl/handler"
)

// handshake answers the abuse protection of CloudEvents webhooks: a sender asks whether it
// may deliver here. Only configured senders may. The result is false for every method
// except OPTIONS. Source: HTTP 1.1 Web Hooks for Event Delivery, section 4.
func (h *Handler) handshake(q *request) bool {
	if q.http.Method != http.MethodOptions {
		return false
	}
	origin := strings.ToLower(q.http.Header.Get("WebHook-Request-Origin"))
	if origin == "" || len(q.http.Header.Values("WebHook-Request-Origin")) != 1 || !slices.Contains(h.Origins, origin) {
		q.refuse(handler.Errorf(handler.Forbidden, "this origin may not deliver here"), 0, nil)
		return true
	}
	header := q.w.Header()
	header.Set("Allow", "POST, OPTIONS")
	header.Set("WebHook-Allowed-Origin", origin)
	header.Set("WebHook-Allowed-Rate", "120") // messages a minute; a due certificate stays due for days
	q.write(http.StatusOK, nil)
	return true
}
