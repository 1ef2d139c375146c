//go:build !unix

package localruntime

import (
	"os"
	"os/exec"
)

// This system has no stop signals, so processes also run between invocations.
var stopSignal, continueSignal os.Signal

// endWithParent does nothing, because only Linux can end a process with its parent.
func endWithParent(*exec.Cmd) {}
