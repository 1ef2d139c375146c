package tairtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Put adds instances, or replaces instances of the same id. A replaced instance loses its
// count of restarts, its pending changes and its connections. Put ignores the fields
// Restarts, Changes and DataPlane. If an instance is wrong, the error names its index and
// fields, and nothing is put.
func (e *Emulator) Put(instances ...Instance) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return errClosed
	}
	complete := make([]Instance, len(instances))
	for n, i := range instances {
		var err error
		if complete[n], err = i.withDefaults(e.now()); err != nil {
			return fmt.Errorf("instance %d: %w", n, err)
		}
	}
	planes, err := e.newPlanes(complete)
	if err != nil {
		return err
	}
	grown := false
	for _, i := range complete {
		held := &instance{Instance: i, plane: planes[i.InstanceID], ca: e.signing, shown: maps.Clone(i.Tags), tasks: e.schedule(i), changeTime: e.options.ChangeTime, signing: func() *authority { return e.signing }}
		held.ActiveOperationTasks = nil // tasks holds them
		if old := e.instances[i.InstanceID]; old != nil {
			held.plane = old.plane
			held.plane.drop()
			*old = *held
			continue
		}
		e.instances[i.InstanceID] = held
		e.sorted = append(e.sorted, held)
		grown = true
	}
	if grown {
		slices.SortFunc(e.sorted, func(a, b *instance) int { return strings.Compare(a.InstanceID, b.InstanceID) })
	}
	return nil
}

// newPlanes opens data planes for the new instances, up to maxDataPlanes. The caller holds
// e.mu.
func (e *Emulator) newPlanes(instances []Instance) (map[string]*plane, error) {
	planes := map[string]*plane{}
	for _, i := range instances {
		if e.instances[i.InstanceID] != nil || planes[i.InstanceID] != nil || e.planes+len(planes) == maxDataPlanes {
			continue
		}
		p, err := e.newPlane(i.InstanceID)
		if err != nil {
			for _, p := range planes {
				p.close()
			}
			return nil, err
		}
		planes[i.InstanceID] = p
	}
	e.planes += len(planes)
	return planes, nil
}

// Instance returns the present state of an instance.
func (e *Emulator) Instance(id string) (Instance, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.find(id)
	if i == nil {
		return Instance{}, false
	}
	return i.snapshot(), true
}

// Instances returns the present state of all instances, sorted by id.
func (e *Emulator) Instances() []Instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, all := e.now(), make([]Instance, 0, len(e.sorted))
	for _, i := range e.sorted {
		i.settle(now)
		all = append(all, i.snapshot())
	}
	return all
}

// Calls counts the calls of an action that passed authentication. It includes the calls
// that a [Fault] hit.
func (e *Emulator) Calls(action string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[action]
}

func (e *Emulator) allCalls() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.calls)
}

// find returns an instance in its present state. The caller holds e.mu.
func (e *Emulator) find(id string) *instance {
	i := e.instances[id]
	if i != nil {
		i.settle(e.now())
	}
	return i
}
