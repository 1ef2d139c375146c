package event

import "tairssl/handler"

// A sweep order: {"Sweep":{…}} and nothing else.
func isSweep(s shape) bool { return s.has("Sweep") }

func (r *reader) sweep(s shape) Asked {
	if len(s) != 1 {
		return one("sweep", handler.Invalidf("a sweep order has the one field Sweep"))
	}
	order, err := handler.DecodeSweep(s.raw("Sweep"))
	if err != nil {
		return one("sweep", handler.Unreadable(err))
	}
	return Asked{Sweep: &order, Trigger: "sweep"}
}
