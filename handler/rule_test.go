package handler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// swept is the result of an unattended Update at a time, with everything known about the
// instance.
func swept(h *handler.Handler, o handler.Observation, at time.Time) handler.Result {
	o.SSL.At, o.Instance.At = at, at
	d := update()
	d.Automatic = true
	return h.Judge(context.Background(), handler.Ref{InstanceID: id, RegionID: "cn-hangzhou"}, d, o)
}

func window(t interface{ Fatal(...any) }, text string) handler.Window {
	w, err := handler.ParseWindow(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Sweeps run at every step until the certificate has expired. At each step the result is
// compared with a wall clock:
//
//   - A sweep never changes anything while a freeze is on or the window is closed.
//   - If there is an opening until a day before the expiry, the certificate is
//     renewed by then, without an alert.
//   - The certificate is renewed earlier than RenewBefore only if there is no
//     opening in that time. The renewal is then in the last opening before it, and
//     at most RenewBefore before the end of that opening.
//   - If there is no opening, people are told before the freeze begins, or at once.
func TestSweepsAgreeWithASlowModel(t *testing.T) {
	t.Parallel()    // it needs a processor for seconds
	const step = 15 // minutes
	handlertest.Check(t, func(t *rapid.T) {
		base, _ := time.Parse(time.DateOnly, rapid.SampledFrom(near).Draw(t, "near"))
		begin := base.Add(time.Duration(rapid.IntRange(-5*1440/step, 1440/step).Draw(t, "begin")*step) * time.Minute)
		within := time.Duration(rapid.SampledFrom([]int{1, 2, 3, 7, 14}).Draw(t, "within")) * day
		expires := begin.Add(time.Duration(rapid.IntRange(1, 40*1440/step).Draw(t, "expires")*step) * time.Minute)
		var on []drawnFreeze
		for range rapid.IntRange(1, 3).Draw(t, "freezes") {
			on = append(on, drawFreeze(t, base, step))
		}
		var texts []string
		for _, f := range on {
			texts = append(texts, f.text)
		}
		all, err := handler.ParseFreezes(strings.Join(texts, ", "))
		if err != nil {
			t.Skip("they leave no time")
		}
		opening, w := drawWindow(t, step)
		h := handler.New(handlertest.NewCloud(nil), handler.Options{Policy: handler.Policy{Window: w, Freezes: all, RenewBefore: within}})
		o := expiring(0)
		o.Expires = expires

		last := expires.Add(-day)
		frozen := func(at time.Time) bool {
			return slices.ContainsFunc(on, func(f drawnFreeze) bool { return f.on(at) })
		}
		var openings, freezing []time.Time // steps until the last day
		for at := begin; !at.After(last); at = at.Add(step * time.Minute) {
			switch {
			case frozen(at):
				freezing = append(freezing, at)
			case opening(at):
				openings = append(openings, at)
			}
		}
		ordinary := slices.IndexFunc(openings, func(at time.Time) bool { return !at.Before(expires.Add(-within)) })
		var renewed, told time.Time
		for at := begin; at.Before(expires); at = at.Add(step * time.Minute) {
			r := swept(h, o, at)
			if r.Alert && told.IsZero() {
				told = at
			}
			if r.Outcome != handler.Planned {
				if r.Outcome == handler.Deferred && r.Until.After(at) && r.Until.Before(expires) && (frozen(r.Until.Time) || !opening(r.Until.Time)) {
					t.Fatalf("at %s it is put off to %s, when nothing opens: %s", at, r.Until, r.Reason)
				}
				continue
			}
			if frozen(at) || !opening(at) {
				t.Fatalf("at %s it would be renewed: %s", at, r.Reason)
			}
			renewed = at
			break
		}
		said := fmt.Sprintf("window %s, freezes %s, due %s before %s, from %s on: renewed %s, told %s", w, all, within, expires, begin, renewed, told)
		switch {
		case ordinary >= 0 && !renewed.Equal(openings[ordinary]):
			t.Fatalf("%s; the first opening after it is due is %s", said, openings[ordinary])
		case ordinary >= 0 && !told.IsZero():
			t.Fatalf("%s; there is an opening at %s", said, openings[ordinary])
		case ordinary >= 0:
			return
		}
		n := len(openings) - 1
		if n >= 0 && slices.ContainsFunc(freezing, openings[n].Before) {
			first := n // the beginning of the last opening
			for first > 0 && openings[first-1].Equal(openings[first].Add(-step*time.Minute)) {
				first--
			}
			earliest := openings[first]
			if least := openings[n].Add(step*time.Minute - max(within, day)); least.After(earliest) {
				earliest = least
			}
			if !renewed.Equal(earliest) || !told.IsZero() {
				t.Fatalf("%s; the last opening in front of a freeze is from %s to %s", said, openings[first], openings[n])
			}
			return
		}
		if n >= 0 && !renewed.IsZero() && renewed.Before(last) {
			t.Fatalf("%s; no freeze keeps it from waiting", said)
		}
		if len(freezing) > 0 && n < 0 && (told.IsZero() || told.After(freezing[0])) {
			t.Fatalf("%s; nothing opens, and the first freeze begins %s", said, freezing[0])
		}
		if told.IsZero() && renewed.IsZero() && expires.Sub(begin) > step*time.Minute {
			t.Fatalf("%s; it expires, and nobody was told", said)
		}
	})
}

// A window that does not open in time is not the fault of a freeze, so the certificate is not
// due early.
func TestAWindowThatDoesNotOpenIsNoFreeze(t *testing.T) {
	h := handler.New(handlertest.NewCloud(nil), handler.Options{Policy: handler.Policy{Window: window(t, "Mon 00:00-00:15"), Freezes: freezes(t, "Sun 00:00-Sun 00:15"), RenewBefore: day}})
	o := expiring(0)
	o.Expires = time.Date(2027, 3, 16, 0, 15, 0, 0, time.UTC)
	if r := swept(h, o, time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC)); r.Due || r.Outcome != handler.Unchanged {
		t.Errorf("a quarter of an hour before it is due, the sweep ends %s (%s)", r.Outcome, r.Reason)
	}
}

// drawWindow draws a window, and a function that asks a wall clock whether it is open.
func drawWindow(t *rapid.T, step int) (open func(time.Time) bool, w handler.Window) {
	if rapid.IntRange(0, 4).Draw(t, "any") == 0 {
		return func(time.Time) bool { return true }, window(t, "any")
	}
	days := []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	begin := rapid.IntRange(0, 1440/step-1).Draw(t, "opens") * step
	end := rapid.IntRange(1, 1440/step).Filter(func(n int) bool { return n*step != begin }).Draw(t, "shuts") * step
	chosen := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 7, rapid.ID[int]).Draw(t, "days")
	name := rapid.SampledFrom(zones).Draw(t, "zone of the window")
	zone, _ := time.LoadLocation(name)
	var names []string
	for _, d := range chosen {
		names = append(names, days[d])
	}
	text := fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", strings.Join(names, ","), begin/60, begin%60, end/60, end%60, name)
	return func(at time.Time) bool {
		wall := at.In(zone)
		minute, day := wall.Hour()*60+wall.Minute(), int(wall.Weekday())
		today, yesterday := slices.Contains(chosen, day), slices.Contains(chosen, (day+6)%7)
		if begin < end {
			return today && minute >= begin && minute < end
		}
		return today && minute >= begin || yesterday && minute < end
	}, window(t, text)
}
