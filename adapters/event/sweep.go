package event

import (
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// A sweep order: {"Sweep":{…}} and nothing else.
func isSweep(s shape) bool { return s.has("Sweep") }

func (r *reader) sweep(s shape) Asked {
	if len(s) != 1 {
		return one("sweep", handler.Invalidf("a sweep order has the one field Sweep"))
	}
	order, err := fleet.Decode(s.raw("Sweep"))
	if err != nil {
		return one("sweep", handler.Unreadable(err))
	}
	return Asked{Sweep: &order, Trigger: "sweep"}
}
