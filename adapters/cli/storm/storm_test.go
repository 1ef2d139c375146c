package storm_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler/handlertest"
)

var (
	instances = flag.Int("storm.instances", 40, "the number of instances; a third of them is due")
	seeds     = flag.Int("storm.seeds", 1, "the number of storms, each with its own seed")
)

const (
	pause      = 300 * time.Millisecond
	tagLag     = 200 * time.Millisecond // has to be shorter than the pause
	maxTargets = 20
	// mostDrift is how far the emulated clock moves on during a wave. It is less than
	// the five minutes in which a change has to be signed.
	mostDrift = 4 * time.Minute
	// tries is how often a payload is delivered at most; the platforms have a limit, too.
	tries = 3
)

// processes are the processes of the functions: several of each cloud. Those with a
// longer timeout run the sweeps. Function Compute's take several invocations at once.
var processes = []struct {
	cloud   localruntime.Cloud
	timeout time.Duration
	atOnce  int
	sweeps  bool
}{
	{localruntime.Lambda, 8 * time.Second, 1, false}, {localruntime.Lambda, 10 * time.Second, 1, false}, {localruntime.Lambda, 13 * time.Second, 1, true},
	{localruntime.FC, 8 * time.Second, 3, false}, {localruntime.FC, 13 * time.Second, 4, true},
}

// faults holds the percentage of calls that suffer each fault.
var faults = map[string]float64{"throttle": 10, "server_error": 2.5, "server_error_after": 2.5, "cut_before": 5, "cut_after": 5}

// storm is one storm, from its first wave to the calm after it.
type storm struct {
	ctx       context.Context
	cloud     *tairtest.Emulator
	functions []*function
	put       []tairtest.Instance // the fleet at the start
	due       map[string]bool
	helpers   sync.WaitGroup
	calling   sync.RWMutex // every call holds it, so that hours pass only between calls

	mu      sync.Mutex
	chance  *rand.Rand
	raging  bool
	mayHang bool
	drift   time.Duration // how far the emulated clock moved in this wave
	fuses   struct{ write, any, stop, clock fuse }
	passed  int // the number of calls so far
	waiters []waiter
	history map[string][]string // the calls for each instance
	tally
}

// tally counts what happened.
type tally struct {
	invocations, again, givenUp, killed, stopped, timedOut, sweeps int
	calls, suffered                                                map[string]int // by action, by kind of fault
}

func (s *storm) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func TestStorm(t *testing.T) {
	t.Parallel()
	first := handlertest.Seed(t)
	rows := make([]verdict, *seeds)
	t.Run("storm", func(t *testing.T) {
		for n := range rows {
			seed := first + uint64(n)
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				s := newStorm(t, seed)
				s.rage(t)
				s.calm(t)
				rows[n] = s.judge(t, seed)
				rows[n].took = time.Since(began)
			})
		}
	})
	t.Logf("\n%s\nto repeat the choices of a storm: make storm INSTANCES=%d SEEDS=1 SEED=%d", table(rows), *instances, first)
}

func newStorm(t *testing.T, seed uint64) *storm {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	s := &storm{
		ctx: ctx, chance: rand.New(rand.NewPCG(seed, 1)), due: map[string]bool{}, history: map[string][]string{},
		tally: tally{calls: map[string]int{}, suffered: map[string]int{}},
	}
	s.fuses.write.mean, s.fuses.any.mean, s.fuses.stop.mean, s.fuses.clock.mean = 15, 2**instances, 100, max(3, *instances/10)
	s.furnish()
	s.cloud = tairtest.Emulate(t, tairtest.Options{
		Seed: seed, NoQuotas: true, Logf: s.suffers,
		LagMin: 50 * time.Millisecond, Lag: 2 * time.Second, ChangeTime: 200 * time.Millisecond, TagLagMin: -1, TagLag: tagLag,
	}, s.put...)
	for n, p := range processes {
		g := &gate{storm: s, name: fmt.Sprintf("%s-%d", p.cloud, n+1), hangs: p.timeout < 10*time.Second}
		f := start(t, p.cloud, g.name, g, p.timeout,
			"TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_WINDOW=any", "TAIRSSL_LEASE_PAUSE="+pause.String(), "TAIRSSL_RATE=0",
			fmt.Sprintf("TAIRSSL_MAX_TARGETS=%d", maxTargets), "TAIRSSL_ALERT_TOKENS="+token)
		g.process.Store(f.Process)
		s.functions = append(s.functions, f)
	}
	t.Cleanup(s.helpers.Wait)
	return s
}

// furnish draws the fleet. Some instances are in a second region, some have no
// encryption, some have little room for tags.
func (s *storm) furnish() {
	for n := range *instances {
		i := tairtest.Instance{InstanceID: instanceID(n), RegionID: "cn-hangzhou", SSLExpiredTime: expiry(60 + s.chance.IntN(900)), Tags: map[string]string{}}
		if s.chance.IntN(5) == 0 {
			i.RegionID = "cn-shanghai"
		}
		switch {
		case n%3 == 0:
			s.due[i.InstanceID] = true
			i.SSLExpiredTime = expiry(1 + s.chance.IntN(25))
		case n%20 == 1:
			i.SSLEnabled, i.SSLExpiredTime = "Disable", ""
		}
		owners := s.chance.IntN(4)
		if s.chance.IntN(20) == 0 {
			owners = 19
		}
		for k := range owners {
			i.Tags[fmt.Sprintf("owner-%d", k)] = "team"
		}
		s.put = append(s.put, i)
	}
}

// suffers counts a fault. The emulator's log line ends with its kind.
func (s *storm) suffers(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	kind := line[strings.LastIndexByte(line, ' ')+1:]
	if _, ok := faults[kind]; ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.suffered[kind]++
	}
}
