package served

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"tairssl/handler"
)

var errNoCertificate = errors.New("no certificate was served")

// inside is the advice for an instance that cannot be reached. Alibaba's TLS mode has no
// public endpoint.
const inside = "run tairssl inside the VPC of the instance, and add this machine's address to the instance's IP whitelist"

// failure names the step of a handshake that failed, and gives advice.
func failure(addr string, err error) *handler.Error {
	e := handler.Errorf(handler.Unavailable, "no TLS handshake with %s: %s", addr, reason(err))
	e.Err = err
	return e
}

func reason(err error) string {
	var name *net.DNSError
	var record tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.As(err, &name):
		return "the name cannot be resolved here; " + inside
	case errors.As(err, &record):
		return "it does not speak TLS"
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert of TLS
		return "the server refused it: " + handler.Clip(remote.Err.Error())
	case errors.Is(err, context.Canceled):
		return "it was interrupted"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time; " + inside
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused; " + inside
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it; " + inside
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the server closed the connection: it may be restarting, or it does not speak TLS, or this machine's address is not in its IP whitelist"
	}
	return handler.Clip(err.Error())
}
