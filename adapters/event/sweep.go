package event

import (
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// sweepOrder is the trigger of a sweep order: {"Sweep":{…}}.
var sweepOrder = trigger{"sweep", "a sweep order", isSweep, (*reader).sweep}

func isSweep(s shape) bool { return s.has("Sweep") }

func (r *reader) sweep(s shape) Asked {
	if len(s) != 1 {
		return Asked{Requests: []handler.Delivery{handler.Invalidf("a sweep order has the one field Sweep")}, Direct: true}
	}
	order, err := fleet.Decode(s.raw("Sweep"))
	if err != nil {
		return Asked{Requests: []handler.Delivery{handler.Unreadable(err)}, Direct: true}
	}
	return Asked{Sweep: &order, Trigger: "sweep", Direct: true}
}
