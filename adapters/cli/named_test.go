package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// Each form of an instance's name finds that instance, in each configured region.
func TestEachFormOfANameFindsTheInstance(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_RATE=0")
	const shanghai = "r-uf6zxszhcgatnx07"
	if err := s.Put(tairtest.Instance{InstanceID: "r-bp1custom", ConnectionDomain: "custom-of-ours.redis.rds.aliyuncs.com", InstanceName: "ours"}); err != nil {
		t.Fatal(err)
	}
	for argument, want := range map[string]string{
		shanghai: shanghai, shanghai + ".redis.rds.aliyuncs.com": shanghai, shanghai + "pd.redis.rds.aliyuncs.com:6379": shanghai,
		"rediss://" + shanghai + ".redis.cn-shanghai.rds.aliyuncs.com:6379/0": shanghai, "carts-shanghai": shanghai, "Carts-Shanghai": shanghai,
		"page-fragments": "vy3e8c2a7b41d809", "vy3e8c2a7b41d809": "vy3e8c2a7b41d809", "custom-of-ours.redis.rds.aliyuncs.com:6379": "r-bp1custom",
	} {
		code, out, stderr := s.run("", "status", argument, "-o", "json")
		var row struct{ InstanceId, RegionId, InstanceName string }
		if err := json.Unmarshal([]byte(out), &row); err != nil || code != 0 || row.InstanceId != want || row.InstanceName == "" || stderr != "" {
			t.Errorf("status %s exits with %d, %v:\n%s%s", argument, code, err, out, stderr)
		}
		code, out, _ = s.run("", "update", argument, "--dry-run", "-o", "json")
		var r handler.Result
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.InstanceID != want || r.RegionID != row.RegionId || r.InstanceName != row.InstanceName {
			t.Errorf("update %s exits with %d, %v:\n%s", argument, code, err, out)
		}
	}
}

func TestUpdateByNameRestartsThatInstance(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ask = true
	code, out, prompt := s.run("y\n", "update", "orders-cache", "nobody", "--wait", "0s", "-o", "json")
	var results []handler.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil || code != 4 || len(results) != 2 || results[0].Outcome != handler.Accepted || s.restarts() != 1 {
		t.Errorf("the exit code is %d after %d restarts, %v:\n%s", code, s.restarts(), err, out)
	}
	if !strings.Contains(prompt, id) {
		t.Errorf("the question does not name the instance's id:\n%s", prompt)
	}
	if e := results[1].Error; results[1].InstanceID != "nobody" || e == nil || e.Kind != handler.NotFound {
		t.Errorf("the result for an instance that does not exist is %+v", results[1])
	}
}

func TestANameOfTwoInstancesIsWrongUsage(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	if err := s.Put(tairtest.Instance{InstanceID: "r-uf6zxszhcgatnx12", RegionID: "cn-shanghai", InstanceName: "orders-cache"}); err != nil {
		t.Fatal(err)
	}
	code, out, _ := s.run("", "update", "orders-cache", "--yes")
	if code != 2 || !strings.Contains(out, `2 instances are called "orders-cache": `+id+", r-uf6zxszhcgatnx12; say which by its id") || s.restarts() != 0 {
		t.Errorf("the exit code is %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	if code, out, _ := s.run("", "update", "orders-cache", "--region", "cn-hangzhou", "--dry-run"); code != 0 || !strings.Contains(out, id) {
		t.Errorf("with --region the exit code is %d:\n%s", code, out)
	}
}

func TestAnUnknownRegion(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for region, near := range map[string]string{
		"cn-hangzho": "cn-hangzhou, cn-hangzhou-finance.", "ap-southeast-4": "ap-southeast-1, ap-southeast-2,", "cn-shenzhen-finance-2": "cn-shenzhen-finance-1.", "eu-north-1": "eu-central-1, eu-west-1.",
	} {
		code, out, stderr := s.run("", "status", id, "--region", region)
		if code != 2 || out != "" || !strings.Contains(stderr, region+" is not a known region; the most similar ones are "+near) || !strings.Contains(stderr, "TAIRSSL_REGION") {
			t.Errorf("--region %s exits with %d:\n%s%s", region, code, out, stderr)
		}
	}
	// A region that is newer than this version works if TAIRSSL_REGION contains it.
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou, cn-new-1")
	if code, out, stderr := s.run("", "status", "--all", "--region", "cn-new-1"); code != 0 || !strings.Contains(out, "no instance in cn-new-1") {
		t.Errorf("a new region exits with %d:\n%s%s", code, out, stderr)
	}
	code, out, _ := s.run("", "__complete", "status", "--region", "cn-sh")
	for _, region := range tair.Regions() {
		if code != 0 || !strings.Contains("\n"+out, "\n"+region+"\n") {
			t.Errorf("the shell is not offered %s: %q", region, out)
		}
	}
}
