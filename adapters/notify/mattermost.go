package notify

import (
	"fmt"
	"net/http"
	"time"

	"tairssl/handler"
)

// mattermost is an incoming webhook of any Mattermost server. It answers "ok". Source:
// Mattermost's "Incoming webhooks".
var mattermost = vendor{
	path:    "/hooks/",
	limit:   16_000,
	compose: composeMattermost,
	accepted: func(status int, body []byte) error {
		if status != http.StatusOK {
			return fmt.Errorf("refused with status %d: %s", status, handler.ClipText(string(body)))
		}
		return nil
	},
}

func composeMattermost(t *target, d digest, _ time.Time) Post {
	return posted(t, struct {
		Text string `json:"text"`
	}{markdown(d, "\n\n")})
}
