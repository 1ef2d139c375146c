package fleetpage

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// now is the time of every page in these tests, a Tuesday.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// on makes an instance whose certificate expires after left and is renewed 30 days
// before.
func on(id, name string, left time.Duration, change ...func(*Row)) Row {
	r := Row{ID: id, Name: name, Region: "cn-hangzhou", Group: Fine, Expires: now.Add(left),
		Renewal:  Renewal{now.Add(left - 30*day), OwnWindow},
		Facts:    []Fact{{"Maintenance window", "daily 18:00 to 22:00 UTC"}},
		Commands: []string{"tairssl status " + id + " --region cn-hangzhou"}}
	if left <= 30*day {
		r.Group, r.Renewal = Due, Renewal{now, WhenDue}
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

// in puts a row into a group, sets its renewal, and gives it the commands of an
// instance that can be updated.
func in(g Group, at time.Time, rule Rule) func(*Row) {
	return func(r *Row) {
		r.Group, r.Renewal = g, Renewal{at, rule}
		r.Commands = []string{"tairssl update " + r.ID + " --region " + r.Region + " --profile prod", "tairssl status " + r.ID + " --region " + r.Region + " --profile prod"}
	}
}

func why(text string) func(*Row) { return func(r *Row) { r.Why = text } }

func region(name string) func(*Row) { return func(r *Row) { r.Region = name } }

// noCertificate makes an instance without a known certificate.
func noCertificate(id, name string, g Group, reason string, commands ...string) Row {
	return Row{ID: id, Name: name, Region: "cn-hangzhou", Group: g, Why: reason, Commands: commands}
}

// smallFleet has an instance in every group, and most of the rules.
func smallFleet() Page {
	return Page{
		Generated: now, RenewBefore: 30 * day, Again: "tairssl status --all --html fleet.html --profile prod",
		Regions: []string{"cn-shanghai", "cn-hangzhou", "cn-qingdao", "cn-beijing"},
		Unread:  []string{"could not list cn-beijing: the role may not call kvstore:DescribeInstances"},
		Empty:   []string{"cn-qingdao"},
		Freezes: []Span{{time.Date(2026, 12, 23, 16, 0, 0, 0, time.UTC), time.Date(2027, 1, 2, 16, 0, 0, 0, time.UTC)}},
		Rows: []Row{
			on("r-bp1zxszhcgatnx02", "sessions", 200*day+time.Hour),
			on("r-bp1zxszhcgatnx04", "price-list", -3*day, in(Expired, now, WhenDue)),
			on("r-uf6zxszhcgatnx08", "job-queue", 30*time.Hour, region("cn-shanghai"), in(TooLate, now.Add(4*day), Window)),
			noCertificate("r-bp1zxszhcgatnx09", "invoices", Unreadable, "forbidden: the credentials may not call kvstore:DescribeInstanceSSL", "tairssl status r-bp1zxszhcgatnx09 --region cn-hangzhou --profile prod"),
			on("r-bp1zxszhcgatnx06", "search-index", 90*day, in(WrongName, now.Add(60*day), OwnWindow), why("The certificate is for old-endpoint.redis.rds.aliyuncs.com, the endpoint is r-bp1zxszhcgatnx06.redis.rds.aliyuncs.com.")),
			on("r-bp1zxszhcgatnx01", "orders & carts <eu>", 12*day+time.Hour, in(Due, now, WhenDue)),
			on("r-bp1zxszhcgatnx12", "购物车缓存", 14*day, in(Due, now.Add(3*day), Capped)),
			on("tt-bp1zxszhcgatnx05", "leaderboard", 5*day+time.Hour, in(Waiting, now.Add(6*time.Hour), Window)),
			on("r-uf6zxszhcgatnx07", "carts-shanghai", 25*day, region("cn-shanghai"), in(Waiting, now.Add(20*day), Alibaba)),
			on("r-uf6zxszhcgatnx13", "", 26*day, region("cn-shanghai"), in(Waiting, time.Time{}, Approval)),
			on("r-bp1zxszhcgatnx14", "ledger", 20*day, in(OptedOut, time.Time{}, OptedOutRule)),
			on("r-bp1zxszhcgatnx11", "reports", 150*day, in(Stopped, time.Time{}, NothingToRenew), why("The instance is Inactive.")),
			noCertificate("r-bp1zxszhcgatnx03", "thumbnails", NoEncryption, "", "tairssl enable r-bp1zxszhcgatnx03 --region cn-hangzhou --profile prod"),
			noCertificate("vy3e8c2a7b41d809", "page-fragments", NoTLS, ""),
			on("r-bp1zxszhcgatnx10", "r-bp1zxszhcgatnx10", 65*day, func(r *Row) { r.Renewal = Renewal{now.Add(28 * day), Freeze} }),
		},
	}
}

// healthyFleet has no instance that is due or needs a person.
func healthyFleet() Page {
	p := Page{Generated: now, RenewBefore: 30 * day, Regions: []string{"cn-hangzhou"}}
	for i, name := range []string{"orders-cache", "sessions", "search-index", "leaderboard", "carts", "accounts"} {
		p.Rows = append(p.Rows, on(fmt.Sprintf("r-bp1zxszhcgatnx%02d", i), name, time.Duration(i*47+61)*day+time.Hour))
	}
	return p
}

// denseFleet makes a mixed fleet of n instances in three regions.
func denseFleet(n int) Page {
	p := Page{Generated: now, RenewBefore: 30 * day, Regions: []string{"cn-hangzhou", "cn-shanghai", "ap-southeast-1"}, Freezes: smallFleet().Freezes}
	names := []string{"orders", "sessions", "search", "leaderboard", "carts", "accounts", "payments", "catalogue", "mail-queue", "rate-limiter"}
	for i := range n {
		id := fmt.Sprintf("r-bp1%012x%03d", uint32(i*i*104729), i%1000)
		left := time.Duration((i*i*7919)%(1095*24)+24) * time.Hour
		r := on(id, fmt.Sprintf("%s-%d", names[i%len(names)], i), left)
		switch {
		case i%97 == 0:
			r = noCertificate(id, r.Name, Unreadable, "throttled: the API's rate is used up; try again later", r.Commands...)
		case i%41 == 0:
			r = noCertificate(id, r.Name, NoEncryption, "", "tairssl enable "+id+" --region cn-hangzhou")
		case i%59 == 0:
			r = noCertificate(id, r.Name, NoTLS, "")
		case i%149 == 0:
			in(Expired, now, WhenDue)(&r)
			r.Expires = now.Add(-left / 100)
		case r.Group == Due && i%3 == 0 && left < 5*day:
			in(TooLate, now.Add(6*day), Window)(&r)
		case r.Group == Due && i%3 == 0:
			in(Waiting, now.Add(time.Duration(i%4+1)*day), Window)(&r)
		case r.Group == Due && i%5 == 0:
			in(Waiting, r.Expires.Add(-day), Alibaba)(&r)
		case i%53 == 0:
			in(OptedOut, time.Time{}, OptedOutRule)(&r)
		}
		r.Region = p.Regions[i%3]
		p.Rows = append(p.Rows, r)
	}
	return p
}
