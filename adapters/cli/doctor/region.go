package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// seen is an instance that a region lists, and its encryption unless that was not
// asked for: of what does not run it is not.
type seen struct {
	handler.Observation
	handler.Ref
	asked bool
	err   error
}

// unread reports that the encryption of an instance that runs is not known.
func (s seen) unread() bool { return !s.Gone() && !s.WithoutTLS() && (s.err != nil || !s.asked) }

// census is what the first page of a region's listing holds. No more is read, for
// a doctor has to be quick.
type census struct {
	region string
	total  int
	seen   []seen
	err    error // why it was not listed
}

// enough is how many denials show that a right is missing altogether, if nothing
// was allowed: each call of the kind stands in Alibaba's ActionTrail.
const enough = 3

// census lists a region and reads the encryption of what it lists.
func (x *examination) census(region string) census {
	page, err := x.client.List(x.ctx, region, handler.Filter{}, 1)
	c := census{region: region, total: page.Total, seen: make([]seen, len(page.Instances)), err: err}
	var mu sync.Mutex
	var denials, read int
	var group errgroup.Group
	group.SetLimit(x.settings.Concurrency)
	for i, l := range page.Instances {
		s := &c.seen[i]
		s.Ref, s.Instance = l.Ref, l.Instance
		if l.Gone() || s.WithoutTLS() {
			continue
		}
		group.Go(func() error {
			mu.Lock()
			s.asked = denials < enough || read > 0
			mu.Unlock()
			if !s.asked {
				return nil
			}
			s.SSL, s.err = x.client.SSL(x.ctx, s.Ref)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case s.err == nil:
				read++
			case denied(s.err):
				denials++
			}
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	return c
}

// pick gives the instance of which a region's reads are tried: one that a sweep
// would read and that has TLS, or else one of which that is not known.
func (x *examination) pick(c census) (s seen, ok bool) {
	for _, wanted := range []func(seen) bool{
		func(s seen) bool { return s.err == nil && !s.WithoutTLS() },
		func(s seen) bool { return denied(s.err) },
		func(s seen) bool { return s.err != nil },
	} {
		for _, s := range c.seen {
			if s.asked && wanted(s) && x.fleet.Policy.Covers(s.InstanceID) {
				return s, true
			}
		}
	}
	return seen{}, false
}

// said is what a region holds, in words. What has no TLS, or does not run, is a
// state and no fault.
func (c census) said() string {
	noTLS, unread, statuses := 0, 0, map[string]int{}
	for _, s := range c.seen {
		switch {
		case s.Gone():
			statuses[s.Status]++
		case s.WithoutTLS():
			noTLS++
		case s.unread():
			unread++
		}
	}
	all := fmt.Sprintf("%d instances", c.total)
	if c.total == 1 {
		all = "1 instance"
	}
	of := all
	if len(c.seen) < c.total {
		of = fmt.Sprintf("the first %d of %s", len(c.seen), all)
	}
	var parts []string
	add := func(n int, one, more string) {
		if n == 1 {
			more = one
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s %s", n, of, more))
		}
	}
	add(noTLS, "has no TLS", "have no TLS")
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		add(statuses[status], "is "+status, "are "+status)
	}
	add(unread, "could not be read", "could not be read")
	if parts == nil {
		return all
	}
	return strings.Join(parts, ", ")
}

// regionsFound are the findings of the regions of the settings.
func (x *examination) regionsFound(all []census) (findings []Finding) {
	for _, c := range all {
		findings = append(findings, x.regionFound(c))
		findings = append(findings, approvals(c)...)
	}
	return findings
}

func (x *examination) regionFound(c census) Finding {
	known, why := tair.Known(c.region), x.barred(c.region)
	unread := slices.ContainsFunc(c.seen, func(s seen) bool { return s.unread() })
	switch {
	case !known && (why != "" || c.err != nil):
		return warn(Region, c.region, "is no region that this version knows", "correct it in TAIRSSL_REGION, unless it is new")
	case why != "":
		return x.skipped(Region, c.region, why)
	case c.err != nil:
		return x.skipped(Region, c.region, "it could not be listed: see the permissions above")
	case !known:
		return warn(Region, c.region, c.said()+"; it is no region that this version knows, so its endpoint is a guess", "look whether a newer version of tairssl knows it")
	case c.total == 0:
		return warn(Region, c.region, "has no instance", "correct it in TAIRSSL_REGION, or leave it out; or look whether the credential is of the right account")
	case unread:
		return warn(Region, c.region, c.said(), "see that the policy allows kvstore:DescribeInstanceSSL on all of them: adapters/tair/policy.json")
	}
	return pass(Region, c.region, "%s", c.said())
}

// each does the same for each of several things at the same time.
func each[T, R any](things []T, do func(T) R) []R {
	results := make([]R, len(things))
	var all sync.WaitGroup
	for i, thing := range things {
		all.Go(func() { results[i] = do(thing) })
	}
	all.Wait()
	return results
}
