//go:build unix && !linux

package localruntime

import (
	"os"
	"os/exec"
	"syscall"
)

var stopSignal, continueSignal os.Signal = syscall.SIGSTOP, syscall.SIGCONT

// endWithParent does nothing, because only Linux can end a process with its parent.
func endWithParent(*exec.Cmd) {}
