package notify

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// webhook is a place of your own that takes a CloudEvent 1.0 in structured mode, signed
// by Standard Webhooks 1.0. Any 2xx status means that it was taken.
var webhook = vendor{
	sign:    webhookKey,
	limit:   64 << 10, // the size that every receiver must accept, by the CloudEvents specification
	compose: composeWebhook,
	accepted: func(status int, _ []byte) error {
		if !isSuccess(status) {
			return fmt.Errorf("status %d", status)
		}
		return nil
	},
}

const (
	whsec = "whsec_" // begins a secret
	// eventType begins the type of an event. The outcome of the worst result ends it.
	eventType   = "com.aliyun.tair.certificate."
	eventSource = "tairssl"
)

func webhookKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, whsec)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("secret must be whsec_ and 24 to 64 bytes in base64")
	}
	return key, nil
}

// cloudEvent is the body for a webhook. Its data is not a bare result, because a tairssl
// function would take a result for a request.
type cloudEvent struct {
	SpecVersion     string     `json:"specversion"`
	ID              string     `json:"id"`
	Source          string     `json:"source"`
	Type            string     `json:"type"`
	Subject         string     `json:"subject,omitempty"` // the instance, if the event is about one
	Time            string     `json:"time"`
	DataContentType string     `json:"datacontenttype"`
	Data            noticeData `json:"data"`
}

type noticeData struct {
	Title   string
	Lines   []string         // a sentence about each of Results
	Next    []string         // what to do
	More    int              // number of results that are only counted
	Results []handler.Result // the worst first
}

// composeWebhook makes the event. Its id depends on the content and the time, so that a
// receiver can drop the same event from another process.
func composeWebhook(t *target, d digest, now time.Time) Post {
	data := noticeData{Title: d.title, Lines: []string{}, Next: []string{}, More: d.more}
	for _, l := range d.lines {
		data.Lines = append(data.Lines, l.who+": "+l.text(d.most))
		result := l.note.Result
		result.CertDownloadURL = l.next.url // set only for successes
		data.Results = append(data.Results, result)
	}
	for _, n := range d.next {
		text := n.text
		if n.url != "" {
			text += ": " + n.url
		}
		data.Next = append(data.Next, text)
	}
	event := cloudEvent{
		SpecVersion: "1.0", Source: eventSource, Type: eventType + string(d.lines[0].note.Outcome),
		Time: handler.At(now).String(), DataContentType: "application/json", Data: data,
	}
	if d.count() == 1 {
		event.Subject = d.lines[0].note.InstanceID
	}
	sum := sha256.Sum256(handler.JSON(event))
	event.ID = "msg_" + hex.EncodeToString(sum[:12])
	body := handler.JSON(event)
	at := strconv.FormatInt(now.Unix(), 10)
	return Post{URL: t.url, Header: http.Header{
		"Content-Type":      {"application/cloudevents+json; charset=utf-8"},
		"Webhook-Id":        {event.ID},
		"Webhook-Timestamp": {at},
		"Webhook-Signature": {signWebhook(t.key, event.ID, at, body)},
	}, Body: body}
}

func signWebhook(key []byte, id, at string, body []byte) string {
	return "v1," + mac(key, id+"."+at+"."+string(body))
}
