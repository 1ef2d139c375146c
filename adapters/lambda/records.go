package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
)

// record is a record of SQS, or of SNS, which spells the source's field with a
// capital letter. Only what is used is read: encoding/json matches either.
type record struct {
	EventSource string `json:"eventSource"`
	MessageID   string `json:"messageId"`
	Body        string `json:"body"`
	Attributes  struct {
		MessageGroupID string `json:"MessageGroupId"` // of a queue that keeps an order
	}
	Sns struct{ Message string }
}

// recordsOf reads the records of a payload, and where they come from; "" if it
// has none.
func recordsOf(payload []byte) (source string, records []record) {
	if !bytes.Contains(payload, []byte(`"Records"`)) {
		return "", nil // spares most payloads a second reading
	}
	var event struct{ Records []record }
	err := json.Unmarshal(payload, &event)
	// A field of the wrong type spoils its record alone.
	if _, odd := err.(*json.UnmarshalTypeError); err != nil && !odd || len(event.Records) == 0 {
		return "", nil
	}
	for _, r := range event.Records {
		source = cmp.Or(source, r.EventSource)
	}
	return source, event.Records
}

// records answers the records of a payload, or a payload without any.
func (i invoker) records(ctx context.Context, payload []byte) ([]byte, error) {
	switch source, records := recordsOf(payload); source {
	case "aws:sqs":
		return i.queue(ctx, records)
	case "aws:sns":
		return i.notifications(ctx, records)
	}
	return i.Function.Invoke(ctx, payload)
}

// batchResponse tells SQS which records to deliver again; its list is never
// null, which would mean all of them.
type batchResponse struct {
	BatchItemFailures []batchItemFailure `json:"batchItemFailures"`
}

type batchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// notifications answers the records of SNS, which always sends one.
func (i invoker) notifications(ctx context.Context, records []record) ([]byte, error) {
	messages := make([][]byte, len(records))
	for n, r := range records {
		messages[n] = []byte(r.Sns.Message)
	}
	return i.Function.Invoke(ctx, messages...)
}

// queue answers the records of a queue. One is given back if, and only if,
// another delivery can help: poison is in the log and gone from the queue. In a
// queue that keeps an order those behind it in its group wait for it.
func (i invoker) queue(ctx context.Context, records []record) (_ []byte, err error) {
	ctx, done := i.Together(ctx)
	defer func() { done(err) }()
	response := batchResponse{BatchItemFailures: []batchItemFailure{}}
	giveBack := func(n int) {
		response.BatchItemFailures = append(response.BatchItemFailures, batchItemFailure{records[n].MessageID})
	}
	stuck := map[string]bool{} // groups with a record given back
	left := make([]int, len(records))
	for n := range records {
		left[n] = n
	}
	for len(left) > 0 {
		var now, later []int
		taken := map[string]bool{}
		for _, n := range left {
			switch group := records[n].Attributes.MessageGroupID; {
			case group == "":
				now = append(now, n)
			case stuck[group]:
				giveBack(n)
			case taken[group]:
				later = append(later, n)
			default:
				taken[group] = true
				now = append(now, n)
			}
		}
		if len(now) == 0 {
			break
		}
		bodies, ids := make([][]byte, len(now)), make([]string, len(now))
		for k, n := range now {
			bodies[k], ids[k] = []byte(records[n].Body), records[n].MessageID
		}
		answers, err := i.Function.Deliver(ctx, bodies, ids...)
		if err != nil {
			return nil, err
		}
		for k, n := range now {
			if _, _, again := answers[k].Again(); again {
				giveBack(n)
				stuck[records[n].Attributes.MessageGroupID] = true
			}
		}
		left = later
	}
	return json.Marshal(response)
}
