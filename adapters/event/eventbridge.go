package event

import (
	"encoding/json"
	"slices"
	"strings"

	"tairssl/handler"
)

// eventBridge is the trigger of an event of Amazon EventBridge:
// {"detail-type","source","detail":{…},…}.
var eventBridge = trigger{"eventbridge", "an event of EventBridge", isEventBridge, (*reader).eventBridge}

func isEventBridge(s shape) bool { return s.has("detail-type", "source") }

// busEvent is a kind of event that a service of AWS puts on the bus, and that asks for
// something.
type busEvent struct {
	name   string // of the trigger, in the log
	source string
	kinds  []string // the values of detail-type
	read   func(r *reader, detail shape, resources []string) Asked
}

var busEvents = []busEvent{acmExpiry, configCompliance, alarmChange}

func (r *reader) eventBridge(s shape) Asked {
	asked := r.eventBridgeOf(s)
	asked.ID = s.text("id")
	return asked
}

func (r *reader) eventBridgeOf(s shape) Asked {
	detail := s.object("detail")
	var resources []string
	_ = json.Unmarshal(s.raw("resources"), &resources) // hand-made events lack this member
	source, kind := s.text("source"), s.text("detail-type")
	for _, e := range busEvents {
		if e.source == source && slices.Contains(e.kinds, kind) {
			return e.read(r, detail, resources)
		}
	}
	switch {
	case slices.Contains(watched, source):
		return one("eventbridge", handler.Unchangedf("events %q of %s ask for nothing", kind, source))
	case isAWS(source):
		// Only AWS can send these, and their details never contain a request.
		return one("eventbridge", handler.Invalidf("events %q of %s are not accepted: let the rule match only events of aws.acm, aws.config and aws.cloudwatch", kind, source))
	case r.knows(s.raw("detail")):
		return r.inner("eventbridge", s.raw("detail"))
	case source == "aws.scheduler" || source == "aws.events":
		// A schedule without an input sends {} from a rule, and "{}" from the Scheduler.
		return one("eventbridge", handler.Invalidf("the schedule has no input: give it a request, such as {\"InstanceId\":\"r-…\",\"SSLEnabled\":\"Update\"}"))
	}
	return one("eventbridge", handler.Invalidf("the detail of the event %q is %s: put a request or an alert into it", kind, describe(s.raw("detail"))))
}

// watched lists the services whose other events ask for nothing.
var watched = []string{"aws.acm", "aws.config", "aws.cloudwatch", "aws.health"}

// isAWS reports whether the source is a service of AWS itself. The events of schedules
// and of partners' buses have authors outside of AWS.
func isAWS(source string) bool {
	return strings.HasPrefix(source, "aws.") && source != "aws.scheduler" && source != "aws.events" && !strings.HasPrefix(source, "aws.partner/")
}
