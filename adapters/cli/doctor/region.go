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

// seen is an instance from the listing of a region. It has the state of the encryption if
// the doctor read it.
type seen struct {
	handler.Observation
	handler.Ref
	asked bool  // the doctor tried to read the encryption; it does so only for instances that run
	err   error // of that call
}

// unread reports that the instance runs but the state of its encryption is unknown.
func (s seen) unread() bool { return !s.Gone() && !s.WithoutTLS() && (s.err != nil || !s.asked) }

// census is the first page of a region's listing. Further pages are not read, to
// keep the doctor quick.
type census struct {
	region string
	total  int // instances on all pages
	seen   []seen
	err    error // of the listing
}

// enough is the number of denials, without any success, after which no more calls
// are made: the right is missing, and Alibaba's ActionTrail records every call.
const enough = 3

// census lists a region and reads the encryption of the listed instances.
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
	_ = group.Wait() // each instance keeps its own error
	return c
}

// pick chooses the instance on which the reads are tried. It prefers an instance that has
// TLS. Otherwise it takes an instance whose encryption could not be read. The settings
// must include the instance in sweeps.
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

// said describes the instances of a region. It counts instances that have no TLS or do
// not run. Such an instance is no fault.
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
	all := instances(c.total)
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

// instances counts instances in words.
func instances(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", n)
}

// regionsFound are the findings of the configured regions.
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
		return warn(Region, c.region, "this version of tairssl does not know this region", "correct TAIRSSL_REGION; if the region is new, use a newer version of tairssl")
	case why != "":
		return x.skipped(Region, c.region, why)
	case c.err != nil:
		return x.skipped(Region, c.region, "its instances could not be listed: see the permissions above")
	case !known:
		return warn(Region, c.region, c.said()+"; this version of tairssl does not know this region, so its endpoint is a guess", "use a newer version of tairssl, if one knows the region")
	case c.total == 0:
		return warn(Region, c.region, "has no instance", "correct TAIRSSL_REGION or remove the region from it, or use a credential of the right account")
	case unread:
		return warn(Region, c.region, c.said(), "check that the policy allows kvstore:DescribeInstanceSSL on all of them: adapters/tair/policy.json")
	}
	return pass(Region, c.region, "%s", c.said())
}
