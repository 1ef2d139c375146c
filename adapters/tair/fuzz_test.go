package tair

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

// canned answers every call with the same bytes.
type canned struct {
	status int
	header http.Header
	body   []byte
	calls  int
}

func (c *canned) RoundTrip(req *http.Request) (*http.Response, error) {
	c.calls++
	return &http.Response{
		Status: "000 as it is", StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: c.header.Clone(), ContentLength: -1, Body: io.NopCloser(bytes.NewReader(c.body)),
	}, nil
}

// fuzzed are the calls of the API. Each reports whether its result makes sense.
var fuzzed = []func(context.Context, *Client, handler.Ref) (sane bool, err error){
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		i, err := c.Instance(ctx, ref)
		return !i.At.IsZero() && i.Status != "" && i.Tags != nil, err
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		s, err := c.SSL(ctx, ref)
		return !s.At.IsZero() && (s.Enabled || s.Expires.IsZero()) && (!s.NoTLS || s == handler.SSL{NoTLS: true, At: s.At}), err
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		l, err := c.List(ctx, ref.RegionID, handler.Filter{}, 1)
		odd := slices.ContainsFunc(l.Instances, func(i handler.Listed) bool { return i.RegionID != ref.RegionID || i.InstanceID == "" })
		return !l.At.IsZero() && l.Total >= 0 && !odd, err
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		_, err := c.Schedule(ctx, ref)
		return true, err
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		r, err := c.Modify(ctx, ref, handler.Update, time.Now().Add(time.Minute))
		return r.RequestID != "", err
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		return true, c.Tag(ctx, ref, "a", "b")
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		return true, c.Untag(ctx, ref, "a", "b")
	},
	func(ctx context.Context, c *Client, ref handler.Ref) (bool, error) {
		i, err := c.Identity(ctx, Endpoint{}, ref.RegionID)
		return i.AccountID != "", err
	},
}

const readsSSL, modifies = 1, 4 // indexes of fuzzed

// Whatever the API answers, a call ends in time. It ends with a state that makes sense or
// with a kind of failure, and it shows no secret.
func FuzzAnswers(f *testing.F) {
	const date = "Date: Tue, 24 Nov 2026 10:40:14 GMT\r\n"
	for n, body := range []string{
		`{"RequestId":"1","Instances":{"DBInstanceAttribute":[{"InstanceId":"r-bp1zxszhcgatnx01","InstanceStatus":"Normal","Port":6379,"Tags":{"Tag":[{"Key":"a","Value":"b"}]}}]}}`,
		`{"RequestId":"1","InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Enable","SSLExpiredTime":"2026-12-01T00:00:00Z"}`,
		`{"RequestId":"1","TotalCount":1,"Instances":{"KVStoreInstance":[{"InstanceId":"r-bp1zxszhcgatnx01","RegionId":"cn-hangzhou"}]}}`,
		`{"RequestId":"1","Items":[{"InsName":"r-bp1zxszhcgatnx01","TaskType":"rds_apsaradb_ssl_update","Status":3,"SwitchTime":"2026-12-01T00:00:00Z"}]}`,
		`{"RequestId":"1","InstanceId":"r-bp1zxszhcgatnx01","TaskId":"2"}`, `{"RequestId":"1"}`, `{"RequestId":"1"}`,
		`{"RequestId":"1","AccountId":"1","Arn":"acs:ram::1:user/a","IdentityType":"RAMUser"}`,
	} {
		for _, status := range []int{200, 204, 101, 302, 403, 503} {
			f.Add(n, status, date, []byte(body))
		}
	}
	for n := range fuzzed {
		for _, body := range []string{
			`{"RequestId":7,"Code":["x"],"Message":{}}`, `{"RequestId":"1","Code":"Throttling.User","Message":"x"}`, `{"RequestId":"1","Code":"IncorrectEngineVersion","Message":""}`,
			`{"RequestId":"1","Code":"Odd","Message":"AccessKeyId=LTAI5tSecretKeyId&Signature=x","AccessDeniedDetail":"x"}`, "", "null", "[]", "{", `"x"`, "\x00", `{"RequestId":"1","TotalCount":1e999}`,
			`{"RequestId":"LTAI5tSecretKeyId","Code":"LTAI5tSecretKeyId"}`, `{"RequestId":"1","Instances":null,"Items":[null]}`, strings.Repeat("[", 5000),
		} {
			f.Add(n, 403, date, []byte(body))
			f.Add(n, 200, "", []byte(body))
		}
		f.Add(n, 200, "Date: soon\r\nContent-Type: text/html\r\nLocation: http://evil\r\n", []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, n, status int, header string, body []byte) {
		call := int(uint(n) % uint(len(fuzzed)))
		parsed, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\r\n\r\n"))).ReadMIMEHeader()
		answer := &canned{status: status, header: http.Header(parsed), body: body}
		if answer.header == nil {
			answer.header = http.Header{}
		}
		synctest.Test(t, func(t *testing.T) { checkAnswer(t, call, answer) })
	})
}

func checkAnswer(t *testing.T, call int, answer *canned) {
	w := newWorld(Options{Rate: -1, Quotas: map[string]Quota{}})
	defer w.Close()
	w.base = answer
	began := time.Now()
	sane, err := fuzzed[call](context.Background(), w.Client, handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"})
	if took := time.Since(began); took > 10*time.Second || answer.calls > 4 {
		t.Errorf("the call took %s and %d attempts", took, answer.calls)
	}
	if call == modifies && answer.calls != 1 {
		t.Errorf("a write was sent %d times", answer.calls)
	}
	if err == nil {
		noTLS := call == readsSSL && bytes.Contains(answer.body, []byte(codeNoTLS))
		if !sane || !noTLS && (answer.status < 200 || answer.status > 299) {
			t.Errorf("status %d with %q was accepted as an answer", answer.status, answer.body)
		}
		return
	}
	e := handler.AsError(err)
	switch e.Kind {
	case handler.Invalid, handler.Forbidden, handler.NotFound, handler.Unsupported, handler.Locked, handler.Throttled, handler.Unavailable:
	default:
		t.Errorf("the call ends with the kind %q: %v, %v", e.Kind, err, e.Err)
	}
	shown := e.Error()
	if e.Err != nil {
		shown += e.Err.Error()
	}
	if strings.Contains(shown, "LTAI5tSecretKeyId") || strings.Contains(shown, "VerySecretKey") || len(shown) > 4000 {
		t.Errorf("the error is %q", shown)
	}
	if trouble := answer.status >= 500 || answer.status < 400; call == modifies && trouble && !e.Uncertain && e.Kind != handler.Throttled {
		t.Errorf("a write with the answer %d counts as surely refused: %v", answer.status, err)
	}
}
