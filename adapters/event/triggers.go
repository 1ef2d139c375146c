package event

import "slices"

// trigger is a kind of object that asks for something. Each is a value in the file that
// recognises and reads the object.
type trigger struct {
	name  string
	title string // the name in messages
	is    func(shape) bool
	read  func(*reader, shape) Asked
}

// triggers lists all kinds except the direct request. The first trigger that recognises
// an object reads it. An object that is in no table is read as a direct request.
var triggers []trigger

func init() {
	// The table is filled here and not at its declaration, because triggers that carry a
	// content look it up in this table. That would be a cycle.
	triggers = []trigger{sweepOrder, cloudEvent, eventBridge, alarm, alarmMessage, alerts, cloudMonitor, success}
}

// derived lists trigger names that stand in the log instead of, or in front of, the name
// of a table's row.
var derived = []string{"direct", "slb", "grafana", "stream", "pipe"}

// Names lists the names of all triggers and carriers, as they are logged.
func Names() (names []string) {
	for _, c := range carriers {
		names = append(names, c.name)
	}
	for _, t := range triggers {
		names = append(names, t.name)
	}
	for _, e := range busEvents {
		names = append(names, e.name)
	}
	for _, m := range messageEvents {
		names = append(names, m.name)
	}
	names = append(names, derived...)
	slices.Sort(names)
	return slices.Compact(names)
}
