package localruntime

// PID is the process's id.
func (p *Process) PID() int { return p.command.Process.Pid }
