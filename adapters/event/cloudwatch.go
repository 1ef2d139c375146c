package event

import "tairssl/handler"

// isAlarm recognises a CloudWatch alarm that invokes the function directly:
// {"source":"aws.cloudwatch","alarmArn","alarmData":{…}}.
func isAlarm(s shape) bool { return s.has("alarmArn") && s.is("source", "aws.cloudwatch") }

func (r *reader) alarm(s shape) Asked {
	data := s.object("alarmData")
	return r.alarmState("cloudwatch-alarm", data.object("state").text("value"), data.object("configuration").text("description"))
}

// isAlarmMessage recognises the same alarm sent through SNS:
// {"AlarmName","NewStateValue","AlarmDescription",…}.
func isAlarmMessage(s shape) bool { return s.has("AlarmName", "NewStateValue") }

func (r *reader) alarmMessage(s shape) Asked {
	return r.alarmState("cloudwatch-alarm", s.text("NewStateValue"), s.text("AlarmDescription"))
}

// alarmState reads the request in an alarm's description, the only field that can carry
// one. The request becomes Automatic, because no person watches it.
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
