package lambda

import (
	"context"
	"encoding/json"
	"fmt"

	"tairssl/adapters/event"
	"tairssl/adapters/function"
)

// sources says how the records of each source are answered. A source that is not in the
// table gets one answer for all records: an error if another delivery can help any record.
//
// Kafka accepts partial answers only in provisioned mode. Otherwise it takes every answer
// as success. The event does not show the mode, so a record that has to come again ends
// the invocation with an error. Then the other records come again too, which does no harm.
var sources = map[string]struct {
	// partial: the source accepts batchItemFailures. piped: EventBridge Pipes accepts them
	// for this source.
	partial, piped bool
	// ordered: the first failure also returns all later records.
	ordered bool
}{
	"sqs":     {partial: true, piped: true},
	"kinesis": {partial: true, piped: true, ordered: true},
	"kafka":   {},
}

// records answers a payload of records, and passes on every other payload.
func (i invoker) records(ctx context.Context, payload []byte) ([]byte, error) {
	records, ok := event.RecordsOf(payload)
	source, queue := sources[records.Source]
	if !ok || !queue {
		return i.Function.Invoke(ctx, payload)
	}
	partial := source.partial
	if records.Pipe {
		partial = source.piped
	}
	return i.queue(ctx, records, partial, source.ordered && !records.Pipe)
}

// batchResponse tells a queue or a stream which records to deliver again. The list is
// never null, because null would mean all records.
type batchResponse struct {
	BatchItemFailures []batchItemFailure `json:"batchItemFailures"`
}

type batchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// queue answers the records of a queue or a stream. It returns a record only if another
// delivery can help. A record that can never work is logged and noticed, but not returned.
func (i invoker) queue(ctx context.Context, records event.Records, partial, ordered bool) (_ []byte, err error) {
	ctx, done := i.Together(ctx)
	defer func() { done(err) }()
	back, err := i.deliver(ctx, records)
	if err != nil {
		return nil, err
	}
	if len(back) > 0 && !partial {
		return nil, back[0].failure(len(back), len(records.Messages))
	}
	response := batchResponse{BatchItemFailures: []batchItemFailure{}}
	for _, b := range back {
		response.BatchItemFailures = append(response.BatchItemFailures, batchItemFailure{records.Messages[b.at].ID})
		if ordered {
			break // the stream delivers again from this record on
		}
	}
	return json.Marshal(response)
}

// givenBack is a record that has to be delivered again.
type givenBack struct {
	at int // its index
	event.Redelivery
}

func (b givenBack) failure(n, of int) *function.Failure {
	return &function.Failure{Type: b.Type, Message: fmt.Sprintf("%d of %d records can be tried again: %s", n, of, b.Reason)}
}

// deliver handles the records and returns those that have to be delivered again, in their
// order. The records of a group keep their order: each waits for the record before it. If
// a record is given back, all later records of its group are given back too.
func (i invoker) deliver(ctx context.Context, records event.Records) ([]givenBack, error) {
	failed := make([]*givenBack, len(records.Messages))
	stuck := map[string]*givenBack{} // groups in which a record was given back
	for left := places(len(records.Messages)); len(left) > 0; {
		now, later := turns(records.Messages, left)
		messages := make([]event.Message, 0, len(now))
		var at []int
		for _, n := range now {
			if behind := stuck[records.Messages[n].Group]; behind != nil {
				failed[n] = &givenBack{n, behind.Redelivery}
				continue
			}
			messages, at = append(messages, records.Messages[n]), append(at, n)
		}
		if len(messages) > 0 {
			answers, err := i.Function.Deliver(ctx, messages...)
			if err != nil {
				return nil, err
			}
			for k, n := range at {
				if again := answers[k].Redeliver(); again != nil {
					failed[n] = &givenBack{n, *again}
					if group := records.Messages[n].Group; group != "" {
						stuck[group] = failed[n]
					}
				}
			}
		}
		left = later
	}
	var back []givenBack
	for _, f := range failed {
		if f != nil {
			back = append(back, *f)
		}
	}
	return back, nil
}

func places(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// turns splits records into the first record of each group, together with all records
// without a group, and the rest.
func turns(messages []event.Message, left []int) (now, later []int) {
	taken := map[string]bool{}
	for _, n := range left {
		group := messages[n].Group
		if group != "" && taken[group] {
			later = append(later, n)
			continue
		}
		taken[group] = true
		now = append(now, n)
	}
	return now, later
}
