package event

import "tairssl/handler"

// A sweep order: {"Sweep":{…}}.
func isSweep(s shape) bool { return s.has("Sweep") }

func (r *reader) sweep(shape) Asked {
	return one("sweep", handler.Refusedf("sweeps are not supported by this version: ask for instances by InstanceId"))
}
