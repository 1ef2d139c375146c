package chatops

import (
	"sync"
	"time"
)

// maxPlans bounds how many changes one message may ask for.
const maxPlans = 5

// plans remembers what this process gave codes for, so that the answer to one can
// name the instance at once. A process that does not remember finds it by the code.
type plans struct {
	mu sync.Mutex
	by map[string]givenPlan // their codes
}

type givenPlan struct {
	plan
	at time.Time
}

// add notes what a code was given for.
func (p *plans) add(code string, given plan, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[string]givenPlan{}
	}
	for old, g := range p.by {
		if now.Sub(g.at).Abs() > 4*codeLife {
			delete(p.by, old)
		}
	}
	p.by[code] = givenPlan{given, now}
}

// of is what a code was given for, if this process did.
func (p *plans) of(code string, now time.Time) (plan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.by[code]
	return g.plan, ok && now.Sub(g.at).Abs() <= 4*codeLife
}
