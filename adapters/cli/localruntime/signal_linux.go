package localruntime

import (
	"os"
	"os/exec"
	"syscall"
)

var stopSignal, continueSignal os.Signal = syscall.SIGSTOP, syscall.SIGCONT

// endWithParent makes the system kill the process when the thread that started it
// ends. Otherwise a stopped process would outlive a parent that was killed.
func endWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
