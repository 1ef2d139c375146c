package storm_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"tairssl/adapters/cli/localruntime"
	"tairssl/handler"
)

// need is the need to renew an instance if its certificate is due.
type need struct{ id, region, expires string }

// trigger delivers needs to a function.
type trigger struct {
	name   string
	clouds []localruntime.Cloud
	most   int // the largest number of needs in one payload
	event  func(*rand.Rand, localruntime.Cloud, []need) any
}

var (
	lambda = []localruntime.Cloud{localruntime.Lambda}
	fc     = []localruntime.Cloud{localruntime.FC}
	both   = []localruntime.Cloud{localruntime.Lambda, localruntime.FC}
)

type object = map[string]any

var triggers = []trigger{
	{"direct", both, 1, func(r *rand.Rand, _ localruntime.Cloud, n []need) any { return request(r, n[0]) }},
	{"batch", both, 12, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		return each(n, func(n need) any { return request(r, n) })
	}},
	{"sqs", lambda, 10, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		return object{"Records": each(n, func(n need) any {
			return object{"messageId": n.id, "body": text(message(r, n)), "attributes": object{}, "eventSource": "aws:sqs"}
		})}
	}},
	{"sns", lambda, 1, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		return object{"Records": []any{object{"EventSource": "aws:sns", "Sns": object{"MessageId": n[0].id, "Message": text(request(r, n[0]))}}}}
	}},
	{"eventbridge", lambda, 1, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		return object{"id": n[0].id, "detail-type": "Renew Tair certificate", "source": "com.example.platform", "resources": []any{}, "detail": request(r, n[0])}
	}},
	{"alertmanager", both, 8, func(_ *rand.Rand, cloud localruntime.Cloud, n []need) any {
		return post(cloud, "/alertmanager", "application/json", object{
			"version": "4", "status": "firing", "groupKey": "{}", "alerts": each(n, func(n need) any {
				return object{"status": "firing", "labels": object{"alertname": "TairCertificateExpires", "instance": n.id + ".redis.rds.aliyuncs.com:6379"}}
			}),
		})
	}},
	{"cloudevent", both, 1, func(_ *rand.Rand, _ localruntime.Cloud, n []need) any { return expiring(n[0]) }},
	{"cloudevents over HTTP", both, 6, func(_ *rand.Rand, cloud localruntime.Cloud, n []need) any {
		return post(cloud, "/cloudevents", "application/cloudevents-batch+json", each(n, expiring))
	}},
	{"mns-topic", fc, 1, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		return object{"TopicName": "tair", "MessageId": n[0].id, "Message": text(request(r, n[0]))}
	}},
	{"mns-queue", fc, 1, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		return carrier("mns:Queue:SendMessage", n[0], object{"messageId": n[0].id, "messageBody": text(request(r, n[0]))})
	}},
	{"stream", fc, 8, func(r *rand.Rand, _ localruntime.Cloud, n []need) any {
		asText := r.IntN(2) == 0 // messages of Kafka are texts, those of RocketMQ are objects
		return each(n, func(n need) any {
			if asText {
				return text(carrier("alikafka:Topic:Message", n, object{"topic": "tair", "value": text(message(r, n))}))
			}
			return carrier("mq:Topic:SendMessage", n, object{"topic": "tair", "body": text(message(r, n))})
		})
	}},
	{"timer", fc, 1, func(r *rand.Rand, _ localruntime.Cloud, n []need) any { return timer(request(r, n[0])) }},
}

// request makes a direct request. It draws the optional fields.
func request(r *rand.Rand, n need) object {
	o := object{"InstanceId": n.id, "SSLEnabled": "Update"}
	if r.IntN(2) == 0 {
		o["RegionId"] = n.region
	}
	if n.expires != "" && r.IntN(4) == 0 {
		o["SSLExpiredTime"] = n.expires
	}
	if r.IntN(3) == 0 {
		o["Automatic"] = true
	}
	if r.IntN(8) == 0 {
		o["Wait"] = "2s"
	}
	return o
}

// message makes a message for a queue.
func message(r *rand.Rand, n need) any {
	switch r.IntN(3) {
	case 0:
		return expiring(n)
	case 1:
		return object{"Type": "Notification", "MessageId": n.id, "TopicArn": "arn:aws:sns:us-east-1:123456789012:tair", "Message": text(request(r, n))}
	}
	return request(r, n)
}

func expiring(n need) any {
	e := carrier("com.aliyun.tair.certificate.expiring", n, nil)
	e["subject"] = n.id
	return e
}

// carrier makes a CloudEvent.
func carrier(kind string, n need, data any) object {
	return object{"specversion": "1.0", "id": n.id, "source": "acs:storm", "type": kind, "aliyunregionid": n.region, "data": data}
}

func timer(payload any) any {
	return object{"triggerTime": "2026-11-24T06:00:00Z", "triggerName": "tairssl-hourly", "payload": text(payload)}
}

// sweep makes the sweep order of a timer.
func sweep(cloud localruntime.Cloud) any {
	order := object{"Sweep": object{"MaxTargets": maxTargets}}
	if cloud == localruntime.FC {
		return timer(order)
	}
	return order
}

const token = "storm-token"

// post makes the event of an HTTP request from the cloud's gateway.
func post(cloud localruntime.Cloud, path, media string, body any) any {
	o := object{
		"rawPath": path, "headers": object{"Authorization": "Bearer " + token, "Content-Type": media}, "body": text(body), "isBase64Encoded": false,
		"requestContext": object{"http": object{"method": "POST", "path": path, "sourceIp": "192.0.2.1"}},
	}
	o["version"] = "v1"
	if cloud == localruntime.Lambda {
		o["version"], o["routeKey"], o["rawQueryString"] = "2.0", "$default", ""
	}
	return o
}

func each(needs []need, make func(need) any) []any {
	all := []any{}
	for _, n := range needs {
		all = append(all, make(n))
	}
	return all
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a payload of the tests cannot be encoded: %v", err))
	}
	return string(b)
}

// left returns the needs of a payload that its platform delivers again after this
// answer.
func left(needs []need, a localruntime.Answer, err error) []need {
	var reply struct {
		StatusCode        int `json:"statusCode"`
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err == nil && !a.Failed {
		_ = json.Unmarshal(a.Payload, &reply) // fails for a list of results, which asks for no repetition
		if reply.StatusCode >= 500 {
			return needs
		}
		return slices.DeleteFunc(slices.Clone(needs), func(n need) bool {
			for _, f := range reply.BatchItemFailures {
				if f.ItemIdentifier == n.id {
					return false
				}
			}
			return true
		})
	}
	return needs
}

// misunderstood reports whether an answer calls a payload wrong. All payloads are right.
func misunderstood(a localruntime.Answer) bool {
	said := strings.ReplaceAll(string(a.Payload)+a.ErrorMessage, `\`, "")
	for _, kind := range []handler.Kind{handler.Invalid, handler.Unauthorized, handler.Forbidden, handler.NotFound} {
		if strings.Contains(said, `"Kind":"`+string(kind)+`"`) {
			return true
		}
	}
	return false
}
