package chatops

import (
	"sync"
	"time"
)

// maxPlans is the greatest number of changes in one message.
const maxPlans = 5

// plans remembers the plans for which this process gave codes. So the answer to a code
// can name the instance at once. Another process finds the instance by the code.
type plans struct {
	mu sync.Mutex
	by map[string]givenPlan // by code
}

type givenPlan struct {
	plan
	at time.Time
}

// add records the plan of a code.
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

// of is the plan of a code if this process gave the code.
func (p *plans) of(code string, now time.Time) (plan, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.by[code]
	return g.plan, ok && now.Sub(g.at).Abs() <= 4*codeLife
}
