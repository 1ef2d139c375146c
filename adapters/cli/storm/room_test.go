package storm_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// tagged makes a due instance with tags.
func tagged(tags map[string]string) tairtest.Instance {
	return tairtest.Instance{InstanceID: instanceID(0), SSLExpiredTime: expiry(10), Tags: tags}
}

// flagOf is the value of a flag that was set some time ago.
func flagOf(e *tairtest.Emulator, i tairtest.Instance, ago time.Duration, last string) string {
	return fmt.Sprintf("Update/%s/%s/%s", i.SSLExpiredTime, handler.At(e.Now().Add(-ago)), last)
}

func TestNineteenTagsLeaveRoom(t *testing.T) {
	t.Parallel()
	for _, dead := range []bool{false, true} {
		for _, cloud := range both {
			t.Run(fmt.Sprintf("on %s, a dead flag: %v", cloud, dead), func(t *testing.T) {
				t.Parallel()
				owners := map[string]string{}
				for n := range 19 {
					owners[fmt.Sprintf("owner-%d", n)] = "team"
				}
				i := tagged(maps.Clone(owners))
				e := tairtest.Emulate(t, tairtest.Options{})
				if dead {
					i.Tags["tairssl-lease-0123abcd"] = flagOf(e, i, 45*time.Minute, "")
				}
				if err := e.Put(i); err != nil {
					t.Fatal(err)
				}
				r := update(t, start(t, cloud, string(cloud), e, time.Minute), i.InstanceID)[i.InstanceID]
				if now, _ := e.Instance(i.InstanceID); now.Restarts != 1 || r.Outcome != handler.Accepted || now.Tags["tairssl-lease-0123abcd"] != "" {
					t.Errorf("the instance restarted %d times, and the request ended %s: %s\ntags: %v", now.Restarts, r.Outcome, r.Reason, now.Tags)
				}
			})
		}
	}
}

// An older version may still run. It uses one tag for all its attempts.
func TestFlagsOfOlderVersions(t *testing.T) {
	t.Parallel()
	for _, tag := range []struct {
		ago      time.Duration
		restarts int
		outcome  handler.Outcome
	}{{5 * time.Minute, 0, handler.InProgress}, {16 * time.Minute, 1, handler.Accepted}} {
		for _, cloud := range both {
			t.Run(fmt.Sprintf("on %s, raised %s ago", cloud, tag.ago), func(t *testing.T) {
				t.Parallel()
				i := tagged(map[string]string{"env": "prod"})
				e := tairtest.Emulate(t, tairtest.Options{})
				i.Tags["tairssl-lease"] = flagOf(e, i, tag.ago, "k3v9q2")
				if err := e.Put(i); err != nil {
					t.Fatal(err)
				}
				r := update(t, start(t, cloud, string(cloud), e, time.Minute), i.InstanceID)[i.InstanceID]
				now, _ := e.Instance(i.InstanceID)
				if _, there := now.Tags["tairssl-lease"]; there != (tag.restarts == 0) || now.Restarts != tag.restarts || r.Outcome != tag.outcome {
					t.Errorf("the instance restarted %d times, and the request ended %s: %s\ntags: %v", now.Restarts, r.Outcome, r.Reason, now.Tags)
				}
			})
		}
	}
}
