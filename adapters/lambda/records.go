package lambda

import (
	"context"
	"encoding/json"
	"fmt"

	"tairssl/adapters/event"
	"tairssl/adapters/function"
)

// sources says how the records of a source are answered. What it lacks is
// answered as a whole: by an error if another delivery can help any record.
//
// Kafka takes partial answers in provisioned mode only, and reads any answer as
// success otherwise. An event does not show the mode, so a record that is to come
// again is an error there; it does no harm that the others come again, too.
var sources = map[string]struct {
	// partial says that the source takes batchItemFailures, and piped that
	// EventBridge Pipes take them for this source.
	partial, piped bool
	// ordered says that the first failure stands for all that is behind it.
	ordered bool
}{
	"sqs":     {partial: true, piped: true},
	"kinesis": {partial: true, piped: true, ordered: true},
	"kafka":   {},
}

// records answers the records of a payload, or a payload without any.
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

// batchResponse tells a queue or a stream which records to deliver again; its
// list is never null, which would mean all of them.
type batchResponse struct {
	BatchItemFailures []batchItemFailure `json:"batchItemFailures"`
}

type batchItemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// queue answers the records of a queue or a stream. One is given back if, and
// only if, another delivery can help: poison is in the log, people are told of it,
// and it is gone.
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
			break // a stream goes on from here
		}
	}
	return json.Marshal(response)
}

// givenBack is a record that is to be delivered again.
type givenBack struct {
	at int // its place
	event.Redelivery
}

func (b givenBack) failure(n, of int) *function.Failure {
	return &function.Failure{Type: b.Type, Message: fmt.Sprintf("%d of %d records can be tried again: %s", n, of, b.Reason)}
}

// deliver carries the records out and gives those that are to be delivered again,
// in their order. In a group, which keeps its order, each waits for the one before
// it, and what is behind one that is given back is given back, too.
func (i invoker) deliver(ctx context.Context, records event.Records) ([]givenBack, error) {
	failed := make([]*givenBack, len(records.Messages))
	stuck := map[string]*givenBack{} // groups with a record given back
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

// turns splits records into those whose turn it is, of each group one, and the
// rest.
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
