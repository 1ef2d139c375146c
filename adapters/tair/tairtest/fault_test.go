package tairtest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

func TestFaults(t *testing.T) {
	for kind, want := range map[string]struct {
		restarts int
		says     string
	}{
		"throttle": {0, "400 Throttling.User"}, "server_error": {0, "500 InternalError"}, "server_error_after": {1, "500 InternalError"},
		"cut_before": {0, "EOF"}, "cut_after": {1, "EOF"}, "malformed": {1, "JsonUnmarshal"},
	} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: kind, Times: 1}); err != nil {
				t.Fatal(err)
			}
			if err := w.modify("Update"); err == nil || !strings.Contains(codeOf(err)+err.Error(), want.says) {
				t.Errorf("the call fails with %v, want %s", err, want.says)
			}
			if got := w.instance().Restarts; got != want.restarts {
				t.Errorf("%d restarts, want %d", got, want.restarts)
			}
			if err := w.modify("Update"); err != nil {
				t.Errorf("the fault goes on: %v", err)
			}
		})
	}
	w := newWorld(t)
	for _, bad := range []tairtest.Fault{{Action: "Nothing", Kind: "slow", Times: 1}, {Kind: "odd", Times: 1}, {Kind: "slow", Times: -1}} {
		if w.Fault(bad) == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	_ = w.Fault(tairtest.Fault{Kind: "slow", Times: 3})
	_ = w.Fault(tairtest.Fault{Kind: "slow", Times: 0})
	if err := w.modify("Update"); err != nil {
		t.Errorf("a cleared fault still hits a call: %v", err)
	}
}

func TestASlowAnswerEndsWithItsCaller(t *testing.T) {
	w := newWorld(t)
	_ = w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "slow", Times: 1})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, _, err := w.send(ctx, newClient(t, nil), w.url, update())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the slow call ends by %v", err)
	}
	if got := w.instance().Restarts; got != 1 {
		t.Errorf("the slow call counts %d restarts; it takes effect at once", got)
	}
}

func TestCloseEndsASlowAnswer(t *testing.T) {
	w := newWorld(t)
	_ = w.Fault(tairtest.Fault{Kind: "slow", Times: 1})
	client, done := newClient(t, nil), make(chan error)
	go func() {
		_, _, err := w.send(context.Background(), client, w.url, update())
		done <- err
	}()
	for w.instance().Restarts == 0 {
		select {
		case err := <-done:
			t.Fatalf("the slow answer came at once: %v", err)
		default:
		}
	}
	began := time.Now()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("closing ends a slow call by %v after %s", err, time.Since(began))
	}
}

func TestHugeAnswer(t *testing.T) {
	w := newWorld(t)
	_ = w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "huge", Times: 1})
	resp, body, err := w.send(context.Background(), newClient(t, nil), w.url, update())
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || len(body) < 64<<20 || !bytes.HasPrefix(body, []byte(`{"RequestId":"`)) || !bytes.HasSuffix(body, []byte(`"}`)) || w.instance().Restarts != 1 {
		t.Errorf("the huge answer is %d with %d bytes, and %d restarts", resp.StatusCode, len(body), w.instance().Restarts)
	}
}

func TestCutsOverHTTPS(t *testing.T) {
	w := newWorld(t)
	base, err := w.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CAPEM())
	client := newClient(t, &tls.Config{RootCAs: roots})
	for n, kind := range []string{"cut_before", "cut_after"} {
		_ = w.Fault(tairtest.Fault{Kind: kind, Times: 1})
		if resp, _, err := w.send(context.Background(), client, base, update()); err == nil {
			t.Errorf("%s is answered %s", kind, resp.Status)
		}
		if got := w.instance().Restarts; got != n {
			t.Errorf("after %s there are %d restarts, want %d", kind, got, n)
		}
	}
}

func TestFaultsQueueUp(t *testing.T) {
	w := newWorld(t)
	for _, f := range []tairtest.Fault{{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 2}, {Action: "*", Kind: "server_error", Times: 1}, {Action: "DescribeInstances", Kind: "throttle", Times: 1}} {
		if err := w.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []string{"400 Throttling.User", "400 Throttling.User", "500 InternalError"} {
		if got := codeOf(w.modify("Update")); got != want {
			t.Errorf("call %d is answered %s, want %s", n, got, want)
		}
	}
	if err := w.modify("Update"); err != nil {
		t.Errorf("a fault of another action hits a call: %v", err)
	}
}
