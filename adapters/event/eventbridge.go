package event

import (
	"encoding/json"
	"slices"
	"strings"

	"tairssl/handler"
)

// An event of Amazon EventBridge: {"detail-type","source","detail":{…},…}.
func isEventBridge(s shape) bool { return s.has("detail-type", "source") }

func (r *reader) eventBridge(s shape) Asked {
	asked := r.eventBridgeOf(s)
	asked.ID = s.text("id")
	return asked
}

func (r *reader) eventBridgeOf(s shape) Asked {
	detail := s.object("detail")
	var resources []string
	_ = json.Unmarshal(s.raw("resources"), &resources) // absent in hand-made events
	source, kind := s.text("source"), s.text("detail-type")
	switch {
	case source == "aws.acm" && (kind == "ACM Certificate Approaching Expiration" || kind == "ACM Certificate Expired"):
		return r.certificate("acm", append(resources, detail.text("CommonName"), detail.text("FirstSubjectAlternativeName"))...)
	case source == "aws.config" && kind == "Config Rules Compliance Change":
		switch kind := detail.text("resourceType"); kind {
		case "AWS::ACM::Certificate", "AWS::IAM::ServerCertificate":
		default:
			return one("config", handler.Unchangedf("the resource is of type %q, no certificate", kind))
		}
		evaluation := detail.object("newEvaluationResult")
		if c := evaluation.text("complianceType"); c != "NON_COMPLIANT" {
			return one("config", handler.Unchangedf("the compliance is %q, which asks for nothing", c))
		}
		return r.certificate("config", append(resources, detail.text("resourceId"))...)
	case source == "aws.cloudwatch" && kind == "CloudWatch Alarm State Change":
		return r.alarmState("cloudwatch-alarm", detail.object("state").text("value"), detail.object("configuration").text("description"))
	case slices.Contains(watched, source):
		return one("eventbridge", handler.Unchangedf("events %q of %s ask for nothing", kind, source))
	case isAWS(source):
		// AWS alone can send these, and none of their details is a request.
		return one("eventbridge", handler.Invalidf("events %q of %s are not served: let the rule match those of aws.acm, aws.config and aws.cloudwatch alone", kind, source))
	case r.knows(s.raw("detail")):
		return r.inner("eventbridge", s.raw("detail"))
	case source == "aws.scheduler" || source == "aws.events":
		// A schedule without an input: {} from a rule, "{}" from the Scheduler.
		return one("eventbridge", handler.Invalidf("the schedule has no input: give it a request, such as {\"InstanceId\":\"r-…\",\"SSLEnabled\":\"Update\"}"))
	}
	return one("eventbridge", handler.Invalidf("the detail of the event %q is %s: put a request or an alert into it", kind, describe(s.raw("detail"))))
}

// watched are the services whose other events ask for nothing.
var watched = []string{"aws.acm", "aws.config", "aws.cloudwatch", "aws.health"}

// isAWS reports whether a source is a service of AWS itself. Schedules and the
// buses of partners carry what others wrote.
func isAWS(source string) bool {
	return strings.HasPrefix(source, "aws.") && source != "aws.scheduler" && source != "aws.events" && !strings.HasPrefix(source, "aws.partner/")
}

// A CloudWatch alarm that invokes the function itself: {"source":
// "aws.cloudwatch","alarmArn","alarmData":{…}}.
func isAlarm(s shape) bool { return s.has("alarmArn") && s.is("source", "aws.cloudwatch") }

func (r *reader) alarm(s shape) Asked {
	data := s.object("alarmData")
	return r.alarmState("cloudwatch-alarm", data.object("state").text("value"), data.object("configuration").text("description"))
}

// The same alarm as SNS tells it: {"AlarmName","NewStateValue",
// "AlarmDescription",…}.
func isAlarmMessage(s shape) bool { return s.has("AlarmName", "NewStateValue") }

func (r *reader) alarmMessage(s shape) Asked {
	return r.alarmState("cloudwatch-alarm", s.text("NewStateValue"), s.text("AlarmDescription"))
}

// alarmState reads the request in an alarm's description, the one place where
// an alarm can carry one; whatever it says, nobody watches, so it is Automatic.
func (r *reader) alarmState(trigger, state, description string) Asked {
	if state != "ALARM" {
		return one(trigger, handler.Unchangedf("the alarm's state is %q, which asks for nothing", state))
	}
	if instance, ok := named(description); ok {
		return one(trigger, automatic(instance))
	}
	if description == "" || !r.knows([]byte(description)) {
		return one(trigger, handler.Invalidf("the alarm names no instance: put its id, its endpoint or a request into the alarm's description"))
	}
	asked := r.inner(trigger, []byte(description))
	for i := range asked.Requests {
		asked.Requests[i].Automatic = true
	}
	return asked
}
