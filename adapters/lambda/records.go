package lambda

import (
	"bytes"
	"context"
	"encoding/json"
)

// record is a record of SQS, or of SNS, which spells the source's field with a
// capital letter. Only what is used is read: encoding/json matches either.
type record struct {
	EventSource string `json:"eventSource"`
	MessageID   string `json:"messageId"`
	Body        string `json:"body"`
	Sns         struct{ Message string }
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
	return event.Records[0].EventSource, event.Records
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
// another delivery can help: poison is in the log and gone from the queue.
func (i invoker) queue(ctx context.Context, records []record) ([]byte, error) {
	bodies := make([][]byte, len(records))
	for n, r := range records {
		bodies[n] = []byte(r.Body)
	}
	answers, err := i.Function.Deliver(ctx, bodies)
	if err != nil {
		return nil, err
	}
	response := batchResponse{BatchItemFailures: []batchItemFailure{}}
	for n, a := range answers {
		if _, _, again := a.Again(); again {
			response.BatchItemFailures = append(response.BatchItemFailures, batchItemFailure{records[n].MessageID})
		}
	}
	return json.Marshal(response)
}
