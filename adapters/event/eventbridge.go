package event

import (
	"encoding/json"
	"slices"
	"strings"

	"tairssl/handler"
)

// isEventBridge recognises an event of Amazon EventBridge:
// {"detail-type","source","detail":{…},…}.
func isEventBridge(s shape) bool { return s.has("detail-type", "source") }

func (r *reader) eventBridge(s shape) Asked {
	asked := r.eventBridgeOf(s)
	asked.ID = s.text("id")
	return asked
}

func (r *reader) eventBridgeOf(s shape) Asked {
	detail := s.object("detail")
	var resources []string
	_ = json.Unmarshal(s.raw("resources"), &resources) // hand-made events lack it
	source, kind := s.text("source"), s.text("detail-type")
	switch {
	case isACM(source, kind):
		return r.acm(detail, resources)
	case source == "aws.config" && kind == "Config Rules Compliance Change":
		return r.compliance(detail, resources)
	case source == "aws.cloudwatch" && kind == "CloudWatch Alarm State Change":
		return r.alarmState("cloudwatch-alarm", detail.object("state").text("value"), detail.object("configuration").text("description"))
	case slices.Contains(watched, source):
		return one("eventbridge", handler.Unchangedf("events %q of %s ask for nothing", kind, source))
	case isAWS(source):
		// Only AWS can send these, and their details never contain a request.
		return one("eventbridge", handler.Invalidf("events %q of %s are not served: let the rule match those of aws.acm, aws.config and aws.cloudwatch alone", kind, source))
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

// isAWS reports whether the source is a service of AWS itself. Schedules and partners'
// buses carry what others wrote.
func isAWS(source string) bool {
	return strings.HasPrefix(source, "aws.") && source != "aws.scheduler" && source != "aws.events" && !strings.HasPrefix(source, "aws.partner/")
}
