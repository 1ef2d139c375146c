package localruntime

import "strings"

// PID is the process's id.
func (p *Process) PID() int { return p.sandbox().command.Process.Pid }

// HowItEnded describes the end of the process.
func (p *Process) HowItEnded() string { return p.sandbox().failure().Error() }

// CheckSigV4 and CheckACS check the signature of a request. They return nil or the
// refusal.
var (
	CheckSigV4 = checkSigV4
	CheckACS   = checkACS
)

type (
	Key     = key
	Refusal = refusal
)

// NewKey makes a key.
func NewKey(id, secret, token string) Key { return key{id, secret, token} }

// Environment returns the environment of a process by the names of its variables.
func Environment(cloud Cloud, o Options, endpoint string) map[string]string {
	given := map[string]string{}
	for _, entry := range surroundingsOf(cloud, o, endpoint).environment("its-runtime-api") {
		name, value, _ := strings.Cut(entry, "=")
		given[name] = value
	}
	return given
}
