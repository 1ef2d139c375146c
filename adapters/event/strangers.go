package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"tairssl/handler"
)

// served is the advice for the sender of an unknown payload.
const served = `Send {"InstanceId":"r-…","SSLEnabled":"Update"}, or one of the events in the table of adapters/event/README.md`

// stranger is a kind of object that is known but not accepted.
type stranger struct {
	is func(shape) bool
	// looks names the kind in messages. instead, if set, advises the sender.
	looks, instead string
}

// strangers lists the known kinds that are not accepted. The first row that recognises an
// object names it.
var strangers = []stranger{
	{recordsOf("aws:s3"), "an S3 event", ""},
	{recordsOf("aws:dynamodb"), "a record of a DynamoDB stream", ""},
	{recordsOf("aws:ses"), "an SES event", ""},
	{recordsOf("aws:codecommit"), "a CodeCommit event", ""},
	{fields("Records"), "a list of records of an unknown source", "Records of SQS, SNS, Kinesis, Kafka and Amazon MQ are accepted"},
	{fields("awslogs"), "a batch of CloudWatch Logs", "Use a metric filter, and an alarm whose description names the instance"},
	{fields("requestContext", "responseContext"), "a report of records that failed", "It says where the records are, but does not contain them: send the records again"},
	{isHTTP, "an HTTP request", "It is accepted only as the whole event of a gateway or an HTTP trigger"},
	{fields("methodArn"), "a call of an authorizer", ""},
	{fields("userPoolId", "triggerSource"), "a Cognito event", ""},
	{fields("identityPoolId"), "a Cognito event", ""},
	{fields("deliveryStreamArn"), "a transformation of Firehose", ""},
	{fields("CodePipeline.job"), "a job of CodePipeline", ""},
	{fields("invokingEvent"), "the evaluation of a rule of AWS Config", "Let EventBridge send the compliance change"},
	{fields("SecretId", "ClientRequestToken"), "a rotation of Secrets Manager", ""},
	{fields("invocationSchemaVersion", "tasks"), "a job of S3 Batch Operations", ""},
	{fields("xAmzRequestId"), "a request of S3 Object Lambda", ""},
	{fields("currentIntent"), "a message of Lex", ""},
	{fields("bot", "userId"), "a message of Lex", ""},
	{fields("AutoScalingGroupName"), "a notification of Auto Scaling", ""},
	{fields("SubscribeURL", "TopicArn"), "a subscription request of SNS", "Confirm it by its SubscribeURL, or subscribe the function itself"},
	{eventsOf("acs:oss"), "an OSS event", ""},
	{eventsOf("cdn"), "a CDN event", ""},
	{fields("parameter", "source", "jobName"), "a job of the Simple Log Service", "Let its alert send a request"},
	{fields("alertName", "alertState"), "a threshold alarm of CloudMonitor", "It names a metric and no certificate: send system events, or an alert of Prometheus"},
	{fields("alertName", "metricName"), "a threshold alarm of CloudMonitor", "It names a metric and no certificate: send system events, or an alert of Prometheus"},
	{fields("metricName", "curValue"), "a threshold alarm of CloudMonitor", "It names a metric and no certificate: send system events, or an alert of Prometheus"},
	{fields("evalMatches"), "an alert of Grafana before version 8", "Send the webhook of unified alerting"},
	{fields("repository", "sender"), "a webhook of GitHub", ""},
	{fields("object_kind"), "a webhook of GitLab", ""},
	{fields("heartbeat", "monitor"), "a notification of Uptime Kuma", "Give it a request as its custom body, and /ssl as its URL"},
	{fields("event", "incident"), "a webhook of an incident service", "Give it a request as its body, and /ssl as its URL"},
}

func fields(names ...string) func(shape) bool {
	return func(s shape) bool { return s.has(names...) }
}

// recordsOf recognises Lambda's records from a source.
func recordsOf(source string) func(shape) bool {
	return func(s shape) bool {
		items := s.list("Records")
		return len(items) > 0 && shapeOf(items[0]).isFrom(source)
	}
}

// eventsOf recognises the events that OSS and CDN send to Function Compute.
func eventsOf(source string) func(shape) bool {
	return func(s shape) bool {
		items := s.list("events")
		return len(items) > 0 && strings.Contains(shapeOf(items[0]).text("eventSource"), source)
	}
}

func isHTTP(s shape) bool {
	return s.hasAny("httpMethod", "rawPath") || s.object("requestContext").hasAny("http", "elb", "connectionId")
}

// looksLike names the kind of an object, accepted or not; "" if it is unknown.
func looksLike(s shape) string {
	if c := carrierOf(s); c != nil {
		return c.title
	}
	for _, t := range triggers {
		if t.is(s) {
			return t.title
		}
	}
	if k := strangerOf(s); k != nil {
		return k.looks
	}
	return ""
}

func strangerOf(s shape) *stranger {
	for i := range strangers {
		if strangers[i].is(s) {
			return &strangers[i]
		}
	}
	return nil
}

// strange describes an object that is not accepted, with advice for its sender.
func strange(s shape) string {
	if k := strangerOf(s); k != nil {
		instead := k.instead
		if instead == "" {
			instead = served
		}
		return fmt.Sprintf("this looks like %s, which is not accepted here. %s", k.looks, instead)
	}
	return fmt.Sprintf("this is neither a request nor a known event, but an object with %s. %s", s.fieldNames(), served)
}

// fieldNames lists the first few names of an object's members, without values.
func (s shape) fieldNames() string {
	const shown = 5
	var names []string
	for _, m := range s {
		if len(names) == shown {
			names = append(names, "…")
			break
		}
		names = append(names, handler.Clip(m.name))
	}
	if names == nil {
		return "no fields"
	}
	return "the fields " + strings.Join(names, ", ")
}

// describe names the kind of a content, for a sender who used the wrong route.
func describe(content []byte) string {
	content = open(content)
	switch {
	case len(content) == 0:
		return "an empty body"
	case !json.Valid(content):
		return "no JSON"
	case content[0] == '[':
		return "a list"
	case content[0] != '{':
		return "a single value"
	}
	s := shapeOf(content)
	if looks := looksLike(s); looks != "" {
		return looks
	}
	if s.isRequest() && len(s) > 0 {
		return "a direct request"
	}
	return "an object with " + s.fieldNames()
}
