package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
)

func TestDoctorChecksTheNamedInstance(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	const shanghai = "r-uf6zxszhcgatnx07"
	for _, name := range []string{shanghai, "carts-shanghai", shanghai + "pd.redis.rds.aliyuncs.com:6379"} {
		code, found := p.examine("--instance", name, "--tag-probe")
		p.expect(found, "instance "+shanghai, doctor.OK, "certificate expires in 25d")
		p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.OK, "a new tag of "+shanghai)
		if i, _ := p.Instance(shanghai); code != 0 || len(i.Tags) != 1 {
			t.Errorf("doctor --instance %s exits with %d, and the tags are %v", name, code, i.Tags)
		}
	}
	code, found := p.examine("--instance", "nobody", "--tag-probe")
	p.expect(found, "instance nobody", doctor.Failed, `no instance "nobody" in cn-hangzhou, cn-shanghai`)
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Skipped, "no such instance")
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK)
	if code != 4 {
		t.Errorf("with a name that no instance has, the exit code is %d, want 4", code)
	}
	if err := p.Put(tairtest.Instance{InstanceID: "r-uf6zxszhcgatnx12", RegionID: "cn-shanghai", InstanceName: "orders-cache"}); err != nil {
		t.Fatal(err)
	}
	code, found = p.examine("--instance", "orders-cache")
	p.expect(found, "instance orders-cache", doctor.Failed, "2 instances are called", "by its id")
	if code != 2 {
		t.Errorf("with a name that two instances have, the exit code is %d, want 2", code)
	}
}

// The doctor reports instances without TLS and stopped instances as states. It checks a
// right to read with an instance that can be read.
func TestDoctorOfAMixedFleet(t *testing.T) {
	t.Parallel()
	first := tairtest.Instance{InstanceID: "a000000000000000", InstanceType: "Memcache"}
	p := newPractice(t, tairtest.Options{})
	if err := p.Put(first, tairtest.Instance{InstanceID: "b000000000000000", NoTLS: true}, tairtest.Instance{InstanceID: "c000000000000000", InstanceStatus: "Inactive"}); err != nil {
		t.Fatal(err)
	}
	code, found := p.examine()
	p.expect(found, "permission DescribeInstances", doctor.OK, "13 instances in cn-hangzhou")
	p.expect(found, "permission DescribeInstanceAttribute", doctor.OK, id)
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK, "read "+id)
	p.expect(found, "permission DescribeActiveOperationTasks", doctor.OK)
	p.expect(found, "region cn-hangzhou", doctor.OK, "4 of 13 instances have no TLS, 2 of 13 instances are Inactive")
	for name, f := range found {
		if f.State == doctor.Failed {
			t.Errorf("%s fails: %s", name, f.Found)
		}
	}
	if code != 0 {
		t.Errorf("with a Memcache instance first the exit code is %d", code)
	}
	for name, want := range map[string]struct {
		state doctor.State
		words string
	}{
		"a000000000000000":   {doctor.OK, "this type of instance (Memcache) has no TLS"},
		"job-queue":          {doctor.OK, "has no TLS"},
		"r-bp1zxszhcgatnx11": {doctor.Warning, "is Inactive"},
	} {
		code, found := p.examine("--instance", name)
		on := name
		if name == "job-queue" {
			on = "r-bp1zxszhcgatnx08"
		}
		p.expect(found, "instance "+on, want.state, want.words)
		if code != 0 {
			t.Errorf("for %s the exit code is %d", name, code)
		}
	}
}

func TestDoctorOfARegionWithNothingToRead(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	if err := p.Put(tairtest.Instance{InstanceID: "a000000000000000", RegionID: "cn-qingdao", InstanceType: "Memcache"}); err != nil {
		t.Fatal(err)
	}
	p.set("TAIRSSL_REGION=cn-qingdao,cn-new-1,cn-hangzhou")
	code, found := p.examine()
	p.expect(found, "region cn-qingdao", doctor.OK, "1 of 1 instance has no TLS")
	p.expect(found, "region cn-new-1", doctor.Warning, "does not know this region")
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK, id)
	if code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// The doctor reads one page, and stops the calls that are denied.
func TestDoctorOfALargeRegionIsQuick(t *testing.T) {
	p := newPractice(t, tairtest.Options{})
	var many []tairtest.Instance
	for n := range 120 {
		many = append(many, tairtest.Instance{InstanceID: fmt.Sprintf("r-large%04d", n), RegionID: "cn-qingdao", NoTLS: n%10 == 0})
	}
	if err := p.Put(many...); err != nil {
		t.Fatal(err)
	}
	p.set("TAIRSSL_REGION=cn-qingdao", "TAIRSSL_CONCURRENCY=1")
	_, found := p.examine()
	p.expect(found, "region cn-qingdao", doctor.OK, "5 of the first 50 of 120 instances have no TLS")
	before := p.Calls("DescribeInstanceSSL")
	p.policy(denying("DescribeInstanceSSL"))
	_, found = p.examine()
	p.expect(found, "permission DescribeInstanceSSL", doctor.Failed, "denied on r-large0000")
	p.expect(found, "region cn-qingdao", doctor.Warning, "50 of the first 50 of 120 instances could not be read")
	if n := p.Calls("DescribeInstanceSSL") - before; n > 3 {
		t.Errorf("the denied call was made %d times", n)
	}
}

// If the policy names some instances, the doctor reads these, and reports the others.
func TestDoctorOfADeniedInstance(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.policy(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kvstore:DescribeInstanceSSL","Resource":"acs:kvstore:*:*:instance/` + id + `"}]}`)
	code, found := p.examine()
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK, "read r-bp1zxszhcgatnx02")
	p.expect(found, "region cn-hangzhou", doctor.Warning, "2 of 10 instances have no TLS, 1 of 10 instances is Inactive, 1 of 10 instances could not be read", "DescribeInstanceSSL")
	if code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// A region that is not in the settings is not reported as a missing right.
func TestDoctorOfAnInstanceElsewhere(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{Central: true})
	code, found := p.examine("--instance", "r-uf6zxszhcgatnx07")
	p.expect(found, "instance r-uf6zxszhcgatnx07", doctor.Failed, "cn-shanghai is not one of the regions of TAIRSSL_REGION", "add the region to TAIRSSL_REGION")
	if f := found["instance r-uf6zxszhcgatnx07"]; strings.Contains(f.Found+f.Fix, "allow kvstore") || strings.Contains(f.Fix, "permissions above") {
		t.Errorf("the region is reported as a missing right: %+v", f)
	}
	if code != 3 {
		t.Errorf("the exit code is %d, want 3", code)
	}
}
