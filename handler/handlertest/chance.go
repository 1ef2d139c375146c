package handlertest

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// seedVariable repeats the draws of an earlier test. A test that draws by [Check],
// [Chance] or [Seed] prints a number when it fails. Set SEED to that number.
const seedVariable = "SEED"

// given is the seed of the environment; 0 for none.
func given(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv(seedVariable)
	if text == "" {
		return 0
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is no seed: %v", seedVariable, err)
	}
	return seed
}

// Seed is the number from which a test draws.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := given(t)
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%s=%d makes the test draw the same again", seedVariable, seed)
	return seed
}

// Chance draws for a test from its [Seed]. Several goroutines may use it at once.
func Chance(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(&source{from: rand.NewPCG(Seed(t), 1)})
}

var rapidSeed sync.Once // tests that run at the same time read the flag

// Check is [rapid.Check] with SEED. A failing test prints its seed as -rapid.seed.
func Check(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	if seed := given(t); seed != 0 {
		rapidSeed.Do(func() { _ = flag.Set("rapid.seed", strconv.FormatUint(seed, 10)) })
	}
	rapid.Check(t, property)
}

// source is a source that several goroutines may use.
type source struct {
	mu   sync.Mutex
	from rand.Source
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from.Uint64()
}
