package cli_test

import (
	"testing"

	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
)

func TestDoctorLooksAtTheInstanceThatIsNamed(t *testing.T) {
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	const shanghai = "r-uf6zxszhcgatnx07"
	for _, name := range []string{shanghai, "carts-shanghai", shanghai + "pd.redis.rds.aliyuncs.com:6379"} {
		code, found := p.examine("--instance", name, "--tag-probe")
		p.expect(found, "instance "+shanghai, doctor.OK, "certificate expires in 25d")
		p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.OK, "a tag of "+shanghai)
		if i, _ := p.Instance(shanghai); code != 0 || len(i.Tags) != 1 {
			t.Errorf("doctor --instance %s ends %d, and the tags are %v", name, code, i.Tags)
		}
	}
	code, found := p.examine("--instance", "nobody", "--tag-probe")
	p.expect(found, "instance nobody", doctor.Failed, `no instance "nobody" in cn-hangzhou, cn-shanghai`)
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Skipped, "no such instance")
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK)
	if code != 4 {
		t.Errorf("of a name that nothing has it ends %d, want 4", code)
	}
	if err := p.Put(tairtest.Instance{InstanceID: "r-uf6zxszhcgatnx12", RegionID: "cn-shanghai", InstanceName: "orders-cache"}); err != nil {
		t.Fatal(err)
	}
	code, found = p.examine("--instance", "orders-cache")
	p.expect(found, "instance orders-cache", doctor.Failed, "2 instances are called", "by its id")
	if code != 2 {
		t.Errorf("of a name that two have it ends %d, want 2", code)
	}
}
