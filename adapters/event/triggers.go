package event

import (
	"slices"

	"tairssl/handler"
)

// triggers lists every kind of object that asks for something, except the direct request,
// which is whatever no table knows. The first row that recognises an object reads it.
var triggers []trigger

type trigger struct {
	name  string
	title string // the name in messages
	is    func(shape) bool
	read  func(*reader, shape) Asked
}

func init() {
	// An initialiser would be a cycle, because triggers that carry a content look it up
	// in the tables.
	triggers = []trigger{
		{"sweep", "a sweep order", isSweep, (*reader).sweep},
		{"cloudevent", "a CloudEvent", isCloudEvent, (*reader).cloudEvent},
		{"eventbridge", "an event of EventBridge", isEventBridge, (*reader).eventBridge},
		{"cloudwatch-alarm", "a CloudWatch alarm", isAlarm, (*reader).alarm},
		{"cloudwatch-alarm", "a CloudWatch alarm", isAlarmMessage, (*reader).alarmMessage},
		{"alertmanager", "a webhook of Alertmanager's shape", isAlerts, (*reader).alerts},
		{"cloudmonitor", "a system event of CloudMonitor", isCloudMonitor, (*reader).cloudMonitor},
		{"destination", "the record of an invocation that succeeded", isSuccess, (*reader).succeeded},
	}
}

// derived lists trigger names that a row gives by itself, beside its own name.
var derived = []string{"direct", "acm", "config", "slb", "grafana", "stream", "pipe"}

// Names lists the names of all triggers and carriers, as they are logged.
func Names() (names []string) {
	for _, c := range carriers {
		names = append(names, c.name)
	}
	for _, t := range triggers {
		names = append(names, t.name)
	}
	for _, m := range messageEvents {
		names = append(names, m.name)
	}
	names = append(names, derived...)
	slices.Sort(names)
	return slices.Compact(names)
}

func isSuccess(s shape) bool {
	return s.has("requestContext", "requestPayload") && s.object("requestContext").has("condition") && !isDestination(s)
}

func (r *reader) succeeded(shape) Asked {
	return one("destination", handler.Unchangedf("the invocation that this tells of has succeeded"))
}
