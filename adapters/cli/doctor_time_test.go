package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func TestDoctorOfWindows(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	inThreeDays := time.Now().UTC().AddDate(0, 0, 3).Format("Mon")
	soon := func(id string, left time.Duration) {
		if err := p.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: time.Now().Add(left).UTC().Format("2006-01-02T15:04:05Z")}); err != nil {
			t.Fatal(err)
		}
	}
	soon("r-soon", 36*time.Hour)
	soon("r-later", 800*time.Hour)
	for _, c := range []struct {
		what, environ, on string
		args              []string
		state             doctor.State
		words             string
		code              int
	}{
		{"no instance to ask about its own", "TAIRSSL_WINDOW=instance", "instance", nil, doctor.Skipped, "--instance", 0},
		{"its own", "TAIRSSL_WINDOW=instance", "r-later", []string{"--instance", "r-later"}, doctor.OK, "the window then opens", 0},
		{"a zone", "TAIRSSL_WINDOW=" + inThreeDays + " 12:00-12:30 Asia/Shanghai", inThreeDays + " 12:00-12:30 Asia/Shanghai", nil, doctor.OK, "04:00 UTC (" + inThreeDays + " 12:00 Asia/Shanghai)", 0},
		{"a week for what is due three days before", "TAIRSSL_WINDOW=Sat 02:00-03:00|TAIRSSL_RENEW_BEFORE=72h", "Sat 02:00-03:00", nil, doctor.Failed, "raise TAIRSSL_RENEW_BEFORE to 191h or more", 1},
		{"the same, and acting without", "TAIRSSL_WINDOW=Sat 02:00-03:00|TAIRSSL_RENEW_BEFORE=72h|TAIRSSL_WINDOW_MISSED=act", "Sat 02:00-03:00", nil, doctor.Warning, "renews at once", 0},
		{"one that opens too late for an instance", "TAIRSSL_WINDOW=" + inThreeDays + " 00:00-24:00", "r-soon", []string{"--instance", "r-soon"}, doctor.Failed, "tairssl update r-soon", 1},
		{"one in time", "TAIRSSL_WINDOW=" + inThreeDays + " 00:00-24:00", "r-later", []string{"--instance", "r-later"}, doctor.OK, "the window then opens", 0},
	} {
		environ := p.environ
		p.set(strings.Split(c.environ, "|")...)
		code, found := p.examine(c.args...)
		p.environ = environ
		p.expect(found, "window "+c.on, c.state, c.words)
		if code != c.code {
			t.Errorf("with %s the exit code is %d, want %d", c.what, code, c.code)
		}
	}
}

func TestDoctorOfFreezes(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	if err := p.Put(tairtest.Instance{InstanceID: "r-soon", SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, 5)).String(), Tags: map[string]string{"tairssl-approved": "yes"}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		freeze, window string
		args           []string
		on             string
		state          doctor.State
		words          string
		code           int
	}{
		"to come":                      {day(10) + "/" + day(12), "any", nil, "TAIRSSL_FREEZE", doctor.OK, "the next freeze is from " + day(10) + " 00:00 UTC to " + day(13) + " 00:00 UTC", 0},
		"on":                           {day(-1) + "/" + day(2), "any", nil, "TAIRSSL_FREEZE", doctor.OK, "on until " + day(3) + " 00:00 UTC", 0},
		"over":                         {day(-3) + "/" + day(-2) + ", " + day(10) + "/" + day(12), "any", nil, day(-3) + "/" + day(-2), doctor.Warning, "is over", 0},
		"longer than RENEW_BEFORE":     {day(10) + "/" + day(60), "any", nil, day(10) + "/" + day(60), doctor.Warning, "lasts 51d", 0},
		"every window":                 {"Fri 16:00-Mon 08:00", "Sat 02:00-05:00", nil, "TAIRSSL_FREEZE", doctor.Failed, "nothing is ever renewed automatically", 1},
		"an instance that is too late": {day(-1) + "/" + day(6), "any", []string{"--instance", "r-soon"}, "r-soon", doctor.Failed, "tairssl update r-soon", 1},
		"an instance in time":          {day(-1) + "/" + day(2), "any", []string{"--instance", "r-soon"}, "r-soon", doctor.OK, "frozen until " + day(3), 0},
		"each its own":                 {day(10) + "/" + day(12), "instance", nil, "TAIRSSL_FREEZE", doctor.OK, "the next freeze is from", 0},
	} {
		environ := p.environ
		p.set("TAIRSSL_FREEZE="+c.freeze, "TAIRSSL_WINDOW="+c.window)
		code, found := p.examine(c.args...)
		p.environ = environ
		p.expect(found, "window "+c.on, c.state, c.words)
		if code != c.code {
			t.Errorf("%s: the exit code is %d, want %d", name, code, c.code)
		}
	}
	_, found := p.examine()
	p.expect(found, "region tairssl-approved in cn-hangzhou", doctor.Warning, "on r-soon is not valid", "tairssl approve r-soon")
	p.set("TAIRSSL_APPROVAL=required")
	_, found = p.examine()
	p.expect(found, "settings TAIRSSL_APPROVAL", doctor.Warning, "nobody is told which changes wait for an approval")
}

func TestDoctorOfTheLeasePause(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{TagLag: 150 * time.Millisecond})
	for pause, want := range map[string]struct {
		state doctor.State
		code  int
	}{"50ms": {doctor.Failed, 1}, "10s": {doctor.OK, 0}} {
		environ := p.environ
		p.set("TAIRSSL_LEASE_PAUSE=" + pause)
		code, found := p.examine("--instance", id, "--tag-probe")
		p.environ = environ
		p.expect(found, "lease TAIRSSL_LEASE_PAUSE", want.state, "slowest of 5")
		if code != want.code {
			t.Errorf("with a pause of %s the exit code is %d, want %d", pause, code, want.code)
		}
		if i, _ := p.Instance(id); len(i.Tags) != 0 {
			t.Errorf("the tags %v are left", i.Tags)
		}
	}
	tags := p.Calls("TagResources")
	_, found := p.examine("--instance", id)
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Skipped, "--tag-probe --instance ID")
	if got := p.Calls("TagResources") - tags; got != 1 { // for the instance that does not exist
		t.Errorf("without --tag-probe TagResources was called %d times", got)
	}
}

func TestDoctorIsInterruptedAndLimited(t *testing.T) {
	t.Parallel()
	tagging, logf := called("TagResources")
	p := newPractice(t, tairtest.Options{TagLag: time.Hour, Logf: logf})
	ctx, interrupt := context.WithCancel(context.Background())
	ended := make(chan int)
	var out string
	go func() {
		code, printed := p.run(ctx, "--instance", id, "--tag-probe", "-v")
		out = printed
		ended <- code
	}()
	<-tagging
	interrupt()
	if code := <-ended; code != 130 || !strings.Contains(out, "interrupted") || !strings.Contains(out, "✓  credentials") {
		t.Errorf("interrupted the exit code is %d and shows\n%s", code, out)
	}
	if i, _ := p.Instance(id); len(i.Tags) != 0 {
		t.Errorf("interrupted it leaves the tags %v", i.Tags)
	}
	code, found := p.examine("--instance", id, "--tag-probe", "--timeout", "1s")
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Failed, "time limit of 1s", "--timeout")
	if i, _ := p.Instance(id); code != 5 || len(i.Tags) != 0 {
		t.Errorf("limited the exit code is %d and leaves the tags %v", code, i.Tags)
	}
}
