package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

// vast is an API with regions of any size, in which nothing is due.
type vast struct {
	handler.API
	sizes  map[string]int
	broken map[string]bool // region/page of the pages that cannot be listed
	reads  sync.Map        // reads of the encryption, by id: *atomic.Int32
}

func (v *vast) List(_ context.Context, region string, _ handler.Filter, page int) (list handler.Listing, err error) {
	if v.broken[fmt.Sprintf("%s/%d", region, page)] {
		return list, handler.Errorf(handler.Unavailable, "down")
	}
	list.Total, list.At = v.sizes[region], start
	for n := (page - 1) * handler.PageSize; n < min(page*handler.PageSize, list.Total); n++ {
		list.Instances = append(list.Instances, handler.Listed{Ref: handler.Ref{RegionID: region, InstanceID: fmt.Sprintf("r-%s%06d", strings.ReplaceAll(region, "-", ""), n)}})
	}
	return list, nil
}

func (v *vast) SSL(_ context.Context, ref handler.Ref) (handler.SSL, error) {
	n, _ := v.reads.LoadOrStore(ref.InstanceID, &atomic.Int32{})
	n.(*atomic.Int32).Add(1)
	return handler.SSL{Enabled: true, Expires: start.Add(300 * day)}, nil
}

func TestSweepReadsEveryInstanceOnce(t *testing.T) {
	handlertest.Check(t, func(t *rapid.T) {
		v := &vast{sizes: map[string]int{}, broken: map[string]bool{}}
		o := handler.Options{Concurrency: rapid.IntRange(1, 80).Draw(t, "concurrency"), Now: func() time.Time { return start }}
		want, failed := 0, map[string]bool{}
		for n := range rapid.IntRange(1, 4).Draw(t, "regions") {
			name := fmt.Sprintf("cn-r%d", n)
			size := rapid.IntRange(0, 700).Draw(t, "instances")
			o.Regions = append(o.Regions, name)
			v.sizes[name] = size
			want += size
			for page := 2; page <= (size+handler.PageSize-1)/handler.PageSize; page++ {
				if rapid.IntRange(0, 9).Draw(t, "breaks") == 0 {
					v.broken[fmt.Sprintf("%s/%d", name, page)] = true
					failed[name] = true
					want -= min(handler.PageSize, size-(page-1)*handler.PageSize)
				}
			}
		}
		got, err := newFleet(v, o, 0).Sweep(context.Background(), fleet.Order{})
		if err != nil || got.Summary.Seen != want || got.Summary.Outcomes[handler.Unchanged] != want || got.Summary.Outcomes[handler.Failed] != len(failed) {
			t.Fatalf("of %d instances it saw %+v, %v", want, got.Summary, err)
		}
		read := 0
		v.reads.Range(func(id, n any) bool {
			if read++; n.(*atomic.Int32).Load() != 1 {
				t.Errorf("%s was read %d times", id, n.(*atomic.Int32).Load())
			}
			return true
		})
		if read != want {
			t.Errorf("%d instances were read, want %d", read, want)
		}
	})
}

// slow is a cloud with one slow read of an encryption. It answers the first reads. The
// next caller waits until its time is up. All later callers get an answer.
type slow struct {
	*handlertest.Cloud
	left atomic.Int32
}

func (s *slow) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	if s.left.Add(-1) >= 0 {
		return s.Cloud.SSL(ctx, ref)
	}
	<-ctx.Done()
	s.left.Store(1 << 20)
	return handler.SSL{}, handler.AsError(ctx.Err())
}

// The sweep renews the instances that it read in time. It reports the rest as unread.
func TestSweepOfMoreThanTheTimeAllowsToRead(t *testing.T) {
	c := handlertest.NewCloud(instances(500, 500))
	for _, s := range c.Instances {
		s.Expires = start.Add(5 * day)
	}
	s := &slow{Cloud: c}
	s.left.Store(100)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	h := newFleet(s, handler.Options{Now: c.Now, Sleep: c.Sleep, MinLeft: time.Millisecond, LeasePause: time.Millisecond, Policy: handler.Policy{Window: always}}, 0)
	got, err := h.Sweep(ctx, fleet.Order{})
	if err != nil || got.Summary.Seen != 100 || got.Summary.Outcomes[handler.Verified] == 0 || got.Summary.Outcomes[handler.Failed] != 1 || c.AllRestarts() != fleet.DefaultMaxTargets {
		t.Fatalf("after %d restarts it ended %+v, %v", c.AllRestarts(), got.Summary, err)
	}
	if e := got.Results[0].Error; e == nil || !e.Retryable || !strings.Contains(e.Message, "only 100 of 500 instances") {
		t.Errorf("of the rest it says %+v", got.Results[0])
	}
}

// A sweep skips instances that cannot be changed now, even a thousand of them, and
// changes the next instances that can be changed.
func TestSweepIsNotHeldUpByWhatMayNotBeChanged(t *testing.T) {
	c := handlertest.NewCloud(instances(1500, 1500))
	for i := range 1500 {
		o := c.Instances[fmt.Sprintf("r-fleet%05d", i)]
		o.Expires = start.Add(time.Duration(i+1) * time.Minute)
		switch {
		case i < 1000:
			o.Tags["tairssl"] = "off"
		case i < 1200:
			o.Status = "Inactive"
		case i < 1498:
			o.MaintainStartTime, o.MaintainEndTime = "20:00Z", "21:00Z"
		default:
			o.MaintainStartTime, o.MaintainEndTime = "12:00Z", "13:00Z"
		}
	}
	got, err := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep}, 0).Sweep(context.Background(), fleet.Order{})
	if err != nil || c.Restarts("r-fleet01498") != 1 || c.Restarts("r-fleet01499") != 1 || c.AllRestarts() != 2 {
		t.Fatalf("after %d restarts it ended %+v, %v", c.AllRestarts(), got.Summary, err)
	}
	if o := got.Summary.Outcomes; o[handler.Refused] != 1000 || o[handler.Unchanged] != 200 || o[handler.Deferred] != 298 || len(got.Results) > 102 {
		t.Errorf("it ended %v, and gives %d results", o, len(got.Results))
	}
}

// If all instances wait for the same window, none is looked at twice.
func TestSweepOutsideAWrittenWindow(t *testing.T) {
	c := handlertest.NewCloud(instances(300, 300))
	nightly, err := handler.ParseWindow("22:00-23:00")
	if err != nil {
		t.Fatal(err)
	}
	h := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: nightly, RenewBefore: 4000 * time.Hour}}, 0)
	got, err := h.Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Due != 300 || got.Summary.Outcomes[handler.Deferred] != 300 || len(c.Calls) != 300 {
		t.Fatalf("it made %d calls and ended %+v, %v", len(c.Calls), got.Summary, err)
	}
	if first := got.Results[0]; first.InstanceID != "r-fleet00000" || first.Until.IsZero() || !first.Alert || first.Before == nil {
		t.Errorf("the first result is %+v", first)
	}
}
