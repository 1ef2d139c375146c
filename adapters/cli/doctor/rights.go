package doctor

import (
	"errors"
	"fmt"
	"strings"

	"tairssl/handler"
)

// denied reports that err is a missing right, not a refused credential.
func denied(err error) bool {
	code := handler.AsError(err).Code
	return strings.HasPrefix(code, "Forbidden") || strings.HasPrefix(code, "NoPermission")
}

// reads makes the reading calls in every region. It returns the findings of the
// rights and of the regions.
func (x *examination) reads() (rights, regions []Finding) {
	all := each(x.settings.Region, func(region string) census {
		if x.barred(region) != "" {
			return census{region: region}
		}
		return x.census(region)
	})
	x.censuses = map[string]census{}
	for _, c := range all {
		x.censuses[c.region] = c
	}
	for _, found := range each(all, x.readsIn) {
		rights = append(rights, found...)
	}
	return rights, x.regionsFound(all)
}

// readsIn makes the reading calls in one region.
func (x *examination) readsIn(c census) (findings []Finding) {
	if why := x.barred(c.region); why != "" {
		return []Finding{x.skipped(Permission, "reads in "+c.region, why)}
	}
	findings = append(findings, x.right("DescribeInstances", handler.Ref{RegionID: c.region, InstanceID: "*"}, c.err, instances(c.total)+" in "+c.region))
	s, ok := x.pick(c)
	if x.isIn(c.region) {
		s = seen{Ref: x.subject.Ref}
	} else if !ok {
		return append(findings, skip(Permission, "reads of an instance", "there is no instance with TLS in "+c.region+": name one with --instance"))
	}
	i, err := x.client.Instance(x.ctx, s.Ref)
	findings = append(findings, x.right("DescribeInstanceAttribute", s.Ref, err, fmt.Sprintf("%s is %s, with %d tags", s.InstanceID, i.Status, len(i.Tags))))
	if errors.Is(err, handler.NotFound) {
		return findings // the other reads would say the same
	}
	if !s.asked {
		s.SSL, s.err = x.client.SSL(x.ctx, s.Ref)
	}
	found := "read " + s.InstanceID
	if s.NoTLS {
		found += ", whose type has no TLS"
	}
	findings = append(findings, x.right("DescribeInstanceSSL", s.Ref, s.err, found))
	_, err = x.client.Schedule(x.ctx, s.Ref)
	return append(findings, x.right("DescribeActiveOperationTasks", handler.Ref{RegionID: c.region, InstanceID: "*"}, err, "read for "+s.InstanceID))
}

// right is the finding of a right whose call was made; err is the error of the
// call.
func (x *examination) right(action string, ref handler.Ref, err error, found string) Finding {
	switch {
	case err == nil:
		return pass(Permission, action, "%s", found)
	case denied(err):
		f := x.called(Permission, action, err)
		f.Found = "denied in " + ref.RegionID
		if ref.InstanceID != "*" {
			f.Found = "denied on " + ref.InstanceID
		}
		f.Fix = x.grant(action, ref)
		return f
	}
	return x.called(Permission, action, err)
}

// grant says which right a policy has to allow, and to which user or role.
func (x *examination) grant(action string, ref handler.Ref) string {
	account, whom := "*", "the role or user of the credential"
	if x.who.AccountID != "" {
		account, whom = x.who.AccountID, x.who.ARN
	}
	if action == "ModifyActiveOperationTasks" {
		return fmt.Sprintf("allow kvstore:%s on * to %s: RAM accepts no other resource for this action", action, whom)
	}
	return fmt.Sprintf("allow kvstore:%s on acs:kvstore:%s:%s:instance/%s to %s", action, ref.RegionID, account, ref.InstanceID, whom)
}
