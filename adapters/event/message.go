package event

// An SNS notification as it stands in a queue message, when raw delivery is
// off: {"Type":"Notification","MessageId","TopicArn","Message":"<text>",…}.
func isNotification(s shape) bool { return s.text("Type") == "Notification" && s.has("TopicArn") }

func (r *reader) notification(s shape) Asked {
	asked := r.inner("sns", s.raw("Message"))
	asked.ID = s.text("MessageId")
	return asked
}

// A message of an MNS topic in JSON format. PublishTime is in milliseconds,
// which events.MnsTopicEvent of Function Compute's SDK can not decode.
func isTopicMessage(s shape) bool { return s.has("TopicName", "Message", "MessageId") }

func (r *reader) topicMessage(s shape) Asked {
	asked := r.inner("mns-topic", s.raw("Message"))
	asked.ID = s.text("MessageId")
	return asked
}
