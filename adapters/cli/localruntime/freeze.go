package localruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// rest stops the process if it has nothing to do: it polls, and has answered
// all that it took. The clouds do it at the same moment.
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

// thaw lets a process that was stopped go on. The caller holds mu.
func (s *sandbox) thaw() {
	if s.frozen {
		_ = s.command.Process.Signal(continueSignal) // fails if the process is gone
		s.frozen = false
	}
}

// keepAwake lets the process go on for good.
func (s *sandbox) keepAwake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awake = true
	s.thaw()
}

// Stop stops the process by hand, until Continue or the next invocation that it
// takes, and waits until it is stopped.
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

// Continue lets a process that was stopped go on.
func (p *Process) Continue() {
	s := p.sandbox()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.thaw()
}

// WaitFrozen returns when the process is stopped: with Options.Freeze, soon
// after its last answer.
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

// stopped says whether a process is stopped: the signal takes a moment. Where
// the system does not tell, it is taken as stopped.
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// The name, in brackets, may hold anything; the state follows it.
	_, state, _ := bytes.Cut(stat[max(bytes.LastIndexByte(stat, ')'), 0):], []byte(" "))
	return bytes.HasPrefix(state, []byte("T"))
}

// CloseAPI takes the runtime API away from a process that lives on, as when the
// machine that it runs on goes. The process is not stopped again.
func (p *Process) CloseAPI() {
	s := p.sandbox()
	s.keepAwake()
	_ = s.server.Close()
}
