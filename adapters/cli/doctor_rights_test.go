package cli_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func TestDoctorOfReads(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"DescribeInstances", "DescribeInstanceAttribute", "DescribeInstanceSSL", "DescribeActiveOperationTasks"} {
		p := newPractice(t, tairtest.Options{})
		p.policy(denying(action))
		code, found := p.examine("--instance", id)
		p.expect(found, "permission "+action, doctor.Failed, "denied", "allow kvstore:"+action+" on acs:kvstore:cn-hangzhou:1234567890123456:instance/", "to acs:ram::1234567890123456:user/emulator")
		if action == "DescribeInstanceAttribute" || action == "DescribeInstanceSSL" {
			p.expect(found, "instance "+id, doctor.Failed, "cannot be read", "permissions above")
		}
		if f := found["permission "+action]; code != 3 || f.Kind != handler.Forbidden || f.Code != "Forbidden.RAM" || f.RequestID == "" {
			t.Errorf("without %s the exit code is %d with %+v", action, code, f)
		}
	}
}

func TestDoctorOfWrites(t *testing.T) {
	t.Parallel()
	named, err := os.ReadFile("../tair/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	type states map[string]doctor.State
	for _, c := range []struct {
		what   string
		o      tairtest.Options
		policy string
		args   []string
		want   states
		code   int
	}{
		{"all rights, none of them proven", tairtest.Options{}, denying("Nothing"), nil,
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Unknown, "UntagResources": doctor.Unknown}, 0},
		{"the policy that names its instances", tairtest.Options{}, string(named), []string{"--instance", id, "--tag-probe"},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.OK, "UntagResources": doctor.OK}, 0},
		{"an instance that the policy does not name", tairtest.Options{}, string(named), []string{"--instance", "r-bp1zxszhcgatnx04", "--tag-probe"},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Failed, "UntagResources": doctor.Failed}, 3},
		{"no right to change", tairtest.Options{}, denying("ModifyInstanceSSL"), nil,
			states{"ModifyInstanceSSL": doctor.Unknown}, 0},
		{"no right to tag", tairtest.Options{}, denying("TagResources"), []string{"--instance", id, "--tag-probe"},
			states{"TagResources": doctor.Failed, "UntagResources": doctor.OK}, 3},
		{"no right to remove tags", tairtest.Options{}, denying("UntagResources"), []string{"--instance", id},
			states{"TagResources": doctor.Unknown, "UntagResources": doctor.Failed}, 3},
		{"a gateway that looks for the instance first", tairtest.Options{ExistenceFirst: true}, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:Describe*","Resource":"*"}]}`, []string{"--instance", id},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Unknown, "UntagResources": doctor.Failed}, 3},
		{"reads of named instances alone", tairtest.Options{}, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:*","Resource":["acs:kvstore:*:*:instance/` + id + `"]},{"Effect":"Allow","Action":["kvstore:DescribeInstances","kvstore:DescribeActiveOperationTasks"],"Resource":"*"}]}`, []string{"--instance", id},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Unknown, "UntagResources": doctor.OK}, 0},
	} {
		p := newPractice(t, c.o)
		p.policy(c.policy)
		code, found := p.examine(c.args...)
		for action, state := range c.want {
			p.expect(found, "permission "+action, state)
		}
		if code != c.code {
			t.Errorf("with %s the exit code is %d, want %d", c.what, code, c.code)
		}
		if i, _ := p.Instance(id); len(i.Tags) != 0 && !strings.Contains(c.what, "remove") {
			t.Errorf("with %s the tags %v are left", c.what, i.Tags)
		}
		if strings.HasPrefix(c.what, "reads of named") && p.Calls("ModifyInstanceSSL") != 0 {
			t.Errorf("ModifyInstanceSSL was sent before the API confirmed that the instance does not exist")
		}
	}
}

// The doctor checks the right to move Alibaba's own renewals only if the settings need it,
// and moves nothing.
func TestDoctorOfTheRightToMove(t *testing.T) {
	t.Parallel()
	const what = "permission ModifyActiveOperationTasks"
	for name, test := range map[string]struct {
		policy, setting string
		state           doctor.State // "" if there is no finding
		says            string
		code            int
	}{
		"leave, and no right":  {denying("ModifyActiveOperationTasks"), "leave", "", "", 0},
		"window, and no right": {denying("ModifyActiveOperationTasks"), "window", doctor.Failed, "allow kvstore:ModifyActiveOperationTasks on * to", 3},
		"window":               {denying("Nothing"), "window", doctor.OK, "refused it as such", 0},
	} {
		p := newPractice(t, tairtest.Options{})
		at := p.Now().Add(48 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
		i, _ := p.Instance(id)
		i.ActiveOperationTasks = []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", SwitchTime: at}}
		if err := p.Put(i); err != nil {
			t.Fatal(err)
		}
		p.policy(test.policy)
		p.set("TAIRSSL_ALIBABA_RENEWAL=" + test.setting)
		code, found := p.examine()
		if _, ok := found[what]; ok != (test.state != "") {
			t.Errorf("%s: there is a finding: %v", name, ok)
		} else if ok {
			p.expect(found, what, test.state, test.says)
		}
		if i, _ = p.Instance(id); code != test.code || i.ActiveOperationTasks[0].SwitchTime != at {
			t.Errorf("%s: the exit code is %d, want %d; the task is at %s, it was at %s", name, code, test.code, i.ActiveOperationTasks[0].SwitchTime, at)
		}
	}
}

// Each setting that the doctor recommends for a route opens that route.
func TestDoctorOfRoutes(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.secrets = append(p.secrets, "c2VjcmV0LXNlY3JldC1zZWNyZXQ")
	environ := p.environ
	_, closed := p.examine()
	routes := 0
	for name, f := range closed {
		if f.Check != doctor.Route || f.On == "/healthz" {
			continue
		}
		routes++
		settings := regexp.MustCompile(`TAIRSSL_\w+`).FindAllString(f.Fix, -1)
		if f.State != doctor.Skipped || len(settings) == 0 {
			t.Errorf("without a secret %s is %+v", name, f)
		}
		for _, setting := range settings {
			value := "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
			switch setting {
			case "TAIRSSL_WEBHOOK_SECRETS":
				value = "whsec_" + value
			case "TAIRSSL_ALERT_BASIC":
				value = "user:" + value
			case "TAIRSSL_WECOM_CALLBACKS":
				value = "token:jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
			}
			p.environ = append(slices.Clip(environ), setting+"="+value)
			_, found := p.examine()
			p.expect(found, name, doctor.OK, "open by "+setting)
		}
	}
	if routes != 10 {
		t.Errorf("%d routes are shown in addition to /healthz", routes)
	}
}
