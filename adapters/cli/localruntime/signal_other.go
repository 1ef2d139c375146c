//go:build !unix

package localruntime

import (
	"os"
	"os/exec"
)

// There are no such signals: processes run between invocations too.
var stopSignal, continueSignal os.Signal

// endWithParent does nothing: only Linux offers it.
func endWithParent(*exec.Cmd) {}
