package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"

	"tairssl/handler"
)

// request is a request that is being answered.
type request struct {
	w    http.ResponseWriter
	http *http.Request
	// invocation may last longer than the time limit of the answer.
	invocation context.Context
	body       []byte
	scheme     Scheme
	trust      handler.Trust // how far the sender is trusted
	media      string        // media type of the answer; "" for JSON
	// attrs and status are for the log.
	attrs  []slog.Attr
	status int
}

// uses reports whether the route allows the request's method. Otherwise it refuses the
// request.
func (q *request) uses(methods string) bool {
	if slices.Contains(strings.Split(methods, ", "), q.http.Method) {
		return true
	}
	q.w.Header().Set("Allow", methods)
	q.refuse(handler.Errorf(handler.Invalid, "this route takes %s", methods), http.StatusMethodNotAllowed, nil)
	return false
}

// read reads the body. It refuses the request if that fails.
func (q *request) read(limit int64) bool {
	var err error
	var large *http.MaxBytesError
	switch q.body, err = io.ReadAll(http.MaxBytesReader(q.w, q.http.Body, limit)); {
	case errors.As(err, &large):
		q.refuse(handler.Errorf(handler.Invalid, "the body is longer than the %d bytes allowed here", limit), http.StatusRequestEntityTooLarge, nil)
	case err != nil:
		q.refuse(handler.Errorf(handler.Invalid, "the body cannot be read"), 0, err)
	}
	return err == nil
}

// admits reports whether a request is authentic and has a media type that the route
// accepts. Otherwise it refuses the request.
func (h *Handler) admits(q *request, route route) bool {
	var err error
	if q.scheme, err = authenticate(route.schemes, Message{q.http.Header, q.body, h.Now(), q.http.URL.Query()}); err != nil {
		q.w.Header().Set("WWW-Authenticate", `Bearer realm="tairssl"`)
		q.refuse(handler.Errorf(handler.Unauthorized, "the request is not authentic"), 0, err)
		return false
	}
	q.trust = q.scheme.Trust
	q.attrs = append(q.attrs, slog.String("scheme", q.scheme.Name))
	content := q.http.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(content)
	if !route.media(media) && (media != "" || err != nil && content != "") {
		q.refuse(handler.Errorf(handler.Invalid, "this route does not take content type %q", handler.ClipText(content)), http.StatusUnsupportedMediaType, nil)
		return false
	}
	return true
}

// refuse answers with an error. If status is 0, the kind of the error sets it. why is
// only for the log.
func (q *request) refuse(e *handler.Error, status int, why error) {
	if status == 0 {
		status = e.Kind.HTTPStatus()
	}
	if why != nil {
		q.attrs = append(q.attrs, slog.String("denied", why.Error()))
	}
	body, _ := json.Marshal(struct {
		Outcome handler.Outcome
		Reason  string
		Error   *handler.Error
	}{handler.Failed, e.Message, e}) // strings and bools cannot fail to encode
	q.write(status, body)
}

func (q *request) write(status int, body []byte) {
	q.status = status
	header := q.w.Header()
	header.Set("Content-Type", cmp.Or(q.media, "application/json; charset=utf-8"))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	q.w.WriteHeader(status)
	if q.http.Method != http.MethodHead {
		_, _ = io.Copy(q.w, bytes.NewReader(body)) // a client that has gone needs no answer
	}
}
