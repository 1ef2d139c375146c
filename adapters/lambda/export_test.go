package lambda

import "tairssl/adapters/event"

// Recognise opens a payload's envelopes and reads what it asks for, and does
// nothing of it.
func Recognise(payload []byte) (asked []event.Asked) {
	d := &event.Decoder{}
	if e := httpEventOf(payload); e != nil {
		f := e.forwarded()
		return append(asked, d.Direct([]byte(f.Body)))
	}
	_, records := recordsOf(payload)
	for _, r := range records {
		asked = append(asked, d.Decode([]byte(r.Body+r.Sns.Message)))
	}
	if records == nil {
		asked = append(asked, d.Decode(payload))
	}
	return asked
}
