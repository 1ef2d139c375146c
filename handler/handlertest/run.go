package handlertest

import (
	"flag"
	"strconv"
)

// AtOnce lets n tests of a package run at the same time, unless the flag -parallel is
// given. It is for tests that mostly wait. A TestMain calls it.
func AtOnce(n int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(n))
	}
}
