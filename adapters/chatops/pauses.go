package chatops

import (
	"slices"
	"sync"
	"time"
)

// mostWrong is the number of wrong codes within wrongPause after which a person has to
// wait.
const mostWrong = 5

// pauses remembers people who recently used wrong codes. A pause saves work and makes
// guessing slow. The protection of the codes is the length of the seal, not the pause.
type pauses struct {
	mu    sync.Mutex
	wrong map[string][]time.Time // by person
}

func personOf(m Message) string { return m.Platform + "\x00" + m.Tenant + "\x00" + m.User }

// add records a wrong code.
func (p *pauses) add(m Message, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong == nil {
		p.wrong = map[string][]time.Time{}
	}
	for person := range p.wrong {
		p.prune(person, now)
	}
	p.wrong[personOf(m)] = append(p.wrong[personOf(m)], now)
}

// active reports whether the sender has to wait.
func (p *pauses) active(m Message, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune(personOf(m), now)
	return len(p.wrong[personOf(m)]) >= mostWrong
}

func (p *pauses) prune(person string, now time.Time) {
	kept := slices.DeleteFunc(p.wrong[person], func(at time.Time) bool { return now.Sub(at).Abs() >= wrongPause })
	if len(kept) == 0 {
		delete(p.wrong, person)
		return
	}
	p.wrong[person] = kept
}
