package event

import "tairssl/handler"

// alarm is the trigger of a CloudWatch alarm that invokes the function directly:
// {"source":"aws.cloudwatch","alarmArn","alarmData":{…}}.
var alarm = trigger{"cloudwatch-alarm", "a CloudWatch alarm", isAlarm, (*reader).alarm}

func isAlarm(s shape) bool { return s.has("alarmArn") && s.is("source", "aws.cloudwatch") }

func (r *reader) alarm(s shape) Asked {
	return r.alarmChange(s.object("alarmData"), nil)
}

// alarmMessage is the trigger of a CloudWatch alarm that came through SNS:
// {"AlarmName","NewStateValue","AlarmDescription",…}.
var alarmMessage = trigger{"cloudwatch-alarm", "a CloudWatch alarm", isAlarmMessage, (*reader).alarmMessage}

func isAlarmMessage(s shape) bool { return s.has("AlarmName", "NewStateValue") }

func (r *reader) alarmMessage(s shape) Asked {
	return r.alarmState(s.text("NewStateValue"), s.text("AlarmDescription"))
}

// alarmChange is the news of EventBridge that the state of a CloudWatch alarm changed.
var alarmChange = busEvent{"cloudwatch-alarm", "aws.cloudwatch", []string{"CloudWatch Alarm State Change"}, (*reader).alarmChange}

func (r *reader) alarmChange(detail shape, _ []string) Asked {
	return r.alarmState(detail.object("state").text("value"), detail.object("configuration").text("description"))
}

// alarmState reads the request in an alarm's description, the only field that can carry
// one. The request becomes Automatic, because no person watches it.
func (r *reader) alarmState(state, description string) Asked {
	const trigger = "cloudwatch-alarm"
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
