//go:build unix && !linux

package localruntime

import (
	"os"
	"os/exec"
	"syscall"
)

var stopSignal, continueSignal os.Signal = syscall.SIGSTOP, syscall.SIGCONT

// endWithParent does nothing: only Linux offers it.
func endWithParent(*exec.Cmd) {}
