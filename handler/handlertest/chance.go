package handlertest

import (
	"flag"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	_ "pgregory.net/rapid" // for its flag
)

// seedVariable holds the seed of every test that draws: what a test that failed
// printed, so that it draws the same again. Without it, or with 0, each draws anew.
const seedVariable = "SEED"

var given uint64

// The tests by rapid print the same number as -rapid.seed.
func init() {
	text := os.Getenv(seedVariable)
	if text == "" {
		return
	}
	var err error
	if given, err = strconv.ParseUint(text, 10, 64); err != nil {
		log.Fatalf("%s is no seed: %v", seedVariable, err)
	}
	if err := flag.Set("rapid.seed", text); err != nil {
		log.Fatal(err)
	}
}

// Seed is the number by which a test draws. The test's output says how to have the
// same again.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := given
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%s=%d makes the test draw the same again", seedVariable, seed)
	return seed
}

// Chance draws for a test by its [Seed], for several goroutines at once.
func Chance(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(&source{from: rand.NewPCG(Seed(t), 1)})
}

// source is one that several goroutines may use.
type source struct {
	mu   sync.Mutex
	from rand.Source
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from.Uint64()
}
