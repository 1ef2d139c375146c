package tairtest

import (
	"errors"
	"fmt"
	"time"
)

// The functions below show the state of each control and carry out its orders. The
// package comment describes the fields.
func (e *Emulator) orderInstances(body []byte) error {
	fleet, err := DecodeInstances(body)
	if err != nil {
		return err
	}
	return e.Put(fleet...)
}

func (e *Emulator) showClock() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return struct{ Now, Skew string }{e.now().UTC().Format(time.RFC3339), e.skew.String()}
}

func (e *Emulator) orderClock(body []byte) error {
	var move struct{ Advance, Skew *string }
	if err := strict(body, &move); err != nil {
		return err
	}
	if move.Advance == nil && move.Skew == nil {
		return errors.New("the fields Advance and Skew are missing; one of them takes a duration such as 1h")
	}
	var advance, skew time.Duration
	var err error
	if move.Advance != nil {
		advance, err = duration("Advance", *move.Advance)
	}
	if err == nil && move.Skew != nil {
		skew, err = duration("Skew", *move.Skew)
	}
	if err != nil {
		return err
	}
	e.Advance(advance)
	if move.Skew != nil {
		e.SkewDate(skew)
	}
	return nil
}

func (e *Emulator) showStaleReads() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return struct{ StaleReads string }{e.stale.String()}
}

func (e *Emulator) orderStaleReads(body []byte) error {
	var order struct{ StaleReads string }
	if err := strict(body, &order); err != nil {
		return err
	}
	d, err := duration("StaleReads", order.StaleReads)
	if err == nil && d < 0 {
		err = fmt.Errorf("the field StaleReads is %s; it takes 0s, for none, or more", d)
	}
	if err == nil {
		e.StaleReads(d)
	}
	return err
}

func (e *Emulator) showFaults() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Fault{}, e.faults...)
}

func (e *Emulator) orderFault(body []byte) error {
	var order struct {
		Action, Kind string
		Times        *int
		Share        float64
	}
	if err := strict(body, &order); err != nil {
		return err
	}
	f := Fault{Action: order.Action, Kind: order.Kind, Share: order.Share}
	switch {
	case order.Times != nil:
		f.Times = *order.Times
	case f.Share == 0:
		f.Times = 1
	}
	return e.Fault(f)
}

func (e *Emulator) showQuotas() any {
	type row struct {
		Calls     int
		Window    string
		Throttled int
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	rows := map[string]row{}
	for action, q := range e.quotas {
		rows[action] = row{q.Calls, q.Window.String(), e.throttled[action]}
	}
	return rows
}

func (e *Emulator) orderQuota(body []byte) error {
	var order struct {
		Action, Window string
		Calls          *int
	}
	if err := strict(body, &order); err != nil {
		return err
	}
	if order.Calls == nil {
		return errors.New("the field Calls is missing; it takes 0, to lift the quota, or more")
	}
	var window time.Duration
	var err error
	if *order.Calls != 0 {
		window, err = duration("Window", order.Window)
	}
	if err != nil {
		return err
	}
	return e.Quota(order.Action, *order.Calls, window)
}

func (e *Emulator) showTagPolicy() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return struct{ Keys []string }{append([]string{}, e.tagPolicy...)}
}

func (e *Emulator) orderTagPolicy(body []byte) error {
	var order struct{ Keys []string }
	if err := strict(body, &order); err != nil {
		return err
	}
	if order.Keys == nil {
		return errors.New("the field Keys is missing; it takes an array of patterns such as tairssl-*, an empty one for no policy")
	}
	e.TagPolicy(order.Keys...)
	return nil
}
