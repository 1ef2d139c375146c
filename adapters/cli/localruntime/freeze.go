package localruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// rest stops the process if it is idle: it polls, and every invocation that it took is
// answered. The clouds stop a process at the same moment.
func (s *sandbox) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.function.options.Freeze && !s.awake && s.polls > 0 && len(s.out) == 0 {
		_ = s.freeze() // fails if the process is gone
	}
}

// freeze stops the process. The caller holds mu.
func (s *sandbox) freeze() error {
	if stopSignal == nil {
		return errors.New("this system cannot stop a process")
	}
	if s.frozen {
		return nil
	}
	err := s.command.Process.Signal(stopSignal)
	s.frozen = err == nil
	return err
}

// thaw continues a stopped process. The caller holds mu.
func (s *sandbox) thaw() {
	if s.frozen {
		_ = s.command.Process.Signal(continueSignal) // fails if the process is gone
		s.frozen = false
	}
}

// keepAwake continues the process and never stops it again.
func (s *sandbox) keepAwake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awake = true
	s.thaw()
}

// Stop stops the process, with or without Options.Freeze, and waits until it is
// stopped. Continue or the next invocation continues it.
func (p *Process) Stop(ctx context.Context) error {
	s := p.sandbox()
	s.mu.Lock()
	err := s.freeze()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.waitFrozen(ctx)
}

// Continue continues a stopped process.
func (p *Process) Continue() {
	s := p.sandbox()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.thaw()
}

// WaitFrozen waits until the process is stopped. With Options.Freeze that is soon after
// its last answer.
func (p *Process) WaitFrozen(ctx context.Context) error { return p.sandbox().waitFrozen(ctx) }

func (s *sandbox) waitFrozen(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		frozen := s.frozen
		s.mu.Unlock()
		if frozen && stopped(s.command.Process.Pid) {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.done:
			return s.failure()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stopped reports whether the system has stopped the process, which happens a moment
// after the signal. It is true on a system without /proc.
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// The name stands in brackets and may contain any character; the state follows it.
	_, state, _ := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	return bytes.HasPrefix(state, []byte("T"))
}

// CloseAPI closes the runtime API of a running process, as if the cloud's side of the
// machine had failed. The process is not stopped again.
func (p *Process) CloseAPI() {
	s := p.sandbox()
	s.keepAwake()
	_ = s.server.Close()
}
