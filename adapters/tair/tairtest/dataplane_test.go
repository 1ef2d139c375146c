package tairtest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

func TestRedisOverTLSVerifiedAsAClientWould(t *testing.T) {
	w := newWorld(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.CAPEM())
	conn, err := tls.Dial("tcp", w.instance().DataPlane, &tls.Config{RootCAs: roots, ServerName: id + ".redis.rds.aliyuncs.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(conn)
	for _, exchange := range []struct{ send, want string }{
		{"*1\r\n$4\r\nPING\r\n", "+PONG\r\n"},
		{"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n", "+OK\r\n"},
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "$5\r\nvalue\r\n"},
	} {
		_, _ = io.WriteString(conn, exchange.send)
		got := make([]byte, len(exchange.want))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != exchange.want {
			t.Errorf("%q is answered %q, %v; want %q", exchange.send, got, err, exchange.want)
		}
	}
}

func TestServedCertificateIsTheInstancesAlone(t *testing.T) {
	w := newWorld(t)
	for _, i := range w.Instances() {
		if i.SSLEnabled != "Enable" {
			continue
		}
		c, err := tairtest.ServedCertificate(context.Background(), i.DataPlane)
		if err != nil {
			t.Fatal(err)
		}
		until, _ := time.Parse("2006-01-02T15:04:05Z", i.SSLExpiredTime)
		if c.Subject.CommonName != i.CertCommonName || fmt.Sprint(c.DNSNames) != "["+i.CertCommonName+"]" || fmt.Sprint(c.IPAddresses) != "[127.0.0.1]" || !c.NotAfter.Equal(until) {
			t.Errorf("%s serves a certificate of %s for %v and %v until %s, but it says %s until %s",
				i.InstanceID, c.Subject.CommonName, c.DNSNames, c.IPAddresses, c.NotAfter, i.CertCommonName, i.SSLExpiredTime)
		}
	}
}

func TestAnOpenConnectionEndsWithTheRestart(t *testing.T) {
	w := newWorld(t)
	conn := w.redis(true)
	defer conn.Close()
	if err := w.modify("Disable"); err != nil {
		t.Fatal(err)
	}
	w.Advance(6999 * time.Millisecond)
	w.instance()
	_, _ = io.WriteString(conn, "*1\r\n$4\r\nPING\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "+PONG\r\n" {
		t.Errorf("before the change is done a PING is answered %q, %v", line, err)
	}
	w.Advance(time.Millisecond)
	w.instance()
	if n, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the connection is still open after the restart: %d, %v", n, err)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func TestCloseEndsABlockedRedisCommand(t *testing.T) {
	e, err := tairtest.New(tairtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Put(tairtest.Instance{InstanceID: "r-plain", SSLEnabled: "Disable"}); err != nil {
		t.Fatal(err)
	}
	i, _ := e.Instance("r-plain")
	conn, err := net.Dial("tcp", i.DataPlane)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "*1\r\n$4\r\nPING\r\n*3\r\n$5\r\nBLPOP\r\n$4\r\nnone\r\n$1\r\n0\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "+PONG\r\n" {
		t.Fatalf("PING is answered %q, %v", line, err)
	}
	done := make(chan error)
	go func() { done <- e.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Close waits for a blocked command")
	}
	if e.Put(tairtest.Instance{InstanceID: "r-late"}) == nil {
		t.Error("a closed emulator takes an instance")
	}
	if url, err := e.ListenHTTP("127.0.0.1:0"); err == nil {
		t.Errorf("a closed emulator listens on %s", url)
	}
	if err := e.Close(); err != nil {
		t.Errorf("a second Close fails: %v", err)
	}
}
