package chatops

import (
	"slices"
	"sync"
	"time"
)

// mostWrong codes of one person within wrongPause are answered with a pause.
const mostWrong = 5

// pauses remembers who used wrong codes lately. It spares work and keeps guessing
// slow. What keeps a guess from being right is the length of the seal.
type pauses struct {
	mu    sync.Mutex
	wrong map[string][]time.Time // by person
}

func personOf(m Message) string { return m.Platform + "\x00" + m.Tenant + "\x00" + m.User }

// add notes a wrong code of somebody's.
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

// active reports whether somebody has to wait.
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
