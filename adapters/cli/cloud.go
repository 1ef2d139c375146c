package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/served"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// instances are the instances of the configured regions.
type instances struct {
	*fleet.Fleet
	api   *tair.Client
	probe served.Probe
}

// named finds the instance that an argument names. For an id, the handler finds the
// region. If there are several regions, this needs the right to list instances.
func (h instances) named(ctx context.Context, argument string) (handler.Ref, error) {
	if strings.Contains(argument, "-") && handler.ValidID(argument) {
		return handler.Ref{InstanceID: argument}, nil
	}
	l, err := h.Find(ctx, argument, nil)
	return l.Ref, err
}

// connect makes the instances from the environment's settings, with --emulate on an
// emulated cloud. The caller must call done.
func (c *command) connect(ctx context.Context) (_ instances, done func(), err error) {
	environ, who, leave, err := c.account()
	if err != nil {
		return instances{}, nil, err
	}
	environ, unread := function.Resolve(ctx, environ)
	settings, unknown, err := function.ParseSettings(environ)
	if err = errors.Join(unread, err); err != nil {
		leave()
		return instances{}, nil, usageError{err}
	}
	for _, name := range unknown {
		fmt.Fprintf(c.Stderr, "tairssl: %s is not a setting and has no effect\n", name)
	}
	c.source = who.source
	credentials := who.credentials
	if credentials == nil {
		credentials = settings.Credentials(environ, nil)
	}
	f, client := settings.Fleet(credentials, slog.New(slog.DiscardHandler))
	return instances{f, client, settings.Probe()}, func() { client.Close(); leave() }, nil
}

// account gives the environment to work in, with the regions to use, and the identity. The
// caller must call done.
func (c *command) account() (environ []string, who identity, done func(), err error) {
	environ, done, err = c.cloud()
	if err != nil {
		return nil, identity{}, nil, err
	}
	environ, who, err = c.settled(environ)
	if err != nil {
		done()
		return nil, identity{}, nil, err
	}
	return environ, who, done, nil
}

// cloud gives the environment to work in. With --emulate it leads to an emulated cloud,
// and contains no real credential. The caller must call done.
func (c *command) cloud() (environ []string, done func(), err error) {
	if !c.emulate {
		return c.Environ, func() {}, nil
	}
	e, err := tairtest.New(c.Emulated)
	if err != nil {
		return nil, nil, err
	}
	if err := e.Put(tairtest.SampleFleet(time.Now())...); err != nil {
		return nil, nil, errors.Join(err, e.Close())
	}
	environ, clean, err := c.leadTo(e)
	if err != nil {
		return nil, nil, errors.Join(err, e.Close())
	}
	return environ, func() { clean(); _ = e.Close() }, nil
}

// leading are the settings that contain the addresses of the cloud.
var leading = []string{
	function.Prefix + "ENDPOINT", function.Prefix + "STS_ENDPOINT", function.Prefix + "CA_FILE",
	function.Prefix + "INVOKE_ENDPOINT", "AWS_ENDPOINT_URL_LAMBDA",
}

// awsKey are the credentials of a role on Lambda.
var awsKey = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// leadTo serves an emulator over HTTPS, and gives the environment that leads to it.
func (c *command) leadTo(e *tairtest.Emulator) (environ []string, clean func(), err error) {
	endpoint, err := e.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "tairssl-emulate-")
	if err != nil {
		return nil, nil, err
	}
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	for _, entry := range c.Environ {
		key, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(key, "ALIBABA_CLOUD_") && !slices.Contains(leading, key) && !slices.Contains(awsKey, key) {
			environ = append(environ, entry)
		}
	}
	for _, secret := range sampleSecrets {
		key, _, _ := strings.Cut(secret, "=")
		if !slices.ContainsFunc(environ, func(entry string) bool { return strings.HasPrefix(entry, key+"=") }) {
			environ = append(environ, secret)
		}
	}
	return append(environ,
		function.Prefix+"ENDPOINT="+endpoint,
		function.Prefix+"STS_ENDPOINT="+endpoint,
		function.Prefix+"CA_FILE="+ca,
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret",
	), func() { _ = os.RemoveAll(dir) }, nil
}

// binary is the file of a cloud's function: below dist/ in the working directory, or next
// to this command.
func binary(cloud localruntime.Cloud) string {
	here := filepath.Join("dist", string(cloud), "bootstrap")
	if _, err := os.Stat(here); err == nil {
		return here
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), string(cloud), "bootstrap")
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return here
}
