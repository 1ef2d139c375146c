package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ical "github.com/emersion/go-ical"

	"tairssl/adapters/tair/tairtest"
)

// calendarOf reads a calendar with an independent library.
func calendarOf(t *testing.T, file string) map[string]ical.Event {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := ical.NewDecoder(f).Decode()
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]ical.Event{}
	for _, e := range c.Events() {
		uid, _ := e.Props.Text("UID")
		events[uid] = e
	}
	return events
}

func propertyOf(e ical.Event, name string) string {
	if e.Component == nil {
		return "(no event)"
	}
	text, _ := e.Props.Text(name)
	return text
}

func at(e ical.Event) time.Time {
	if e.Component == nil {
		return time.Time{}
	}
	t, _ := e.DateTimeStart(time.UTC)
	return t
}

func TestStatusWritesACalendar(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	now := s.Now()
	stamp := func(d time.Duration) string { return now.Add(d).UTC().Format("2006-01-02T15:04:05Z") }
	const day = 24 * time.Hour
	if err := s.Put(
		tairtest.Instance{InstanceID: "r-named", InstanceName: `cache, "old"; 订单`, SSLExpiredTime: stamp(50 * day), MaintainStartTime: "03:00Z", MaintainEndTime: "04:00Z"},
		tairtest.Instance{InstanceID: "r-alibaba", SSLExpiredTime: stamp(20 * day), ActiveOperationTasks: []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", Status: 3, StartTime: stamp(9 * day), SwitchTime: stamp(10 * day)}}},
	); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "certificates.ics")
	code, out, errs := s.run("", "status", "--all", "--ics", file)
	if code != 0 || out != "" || !strings.Contains(errs, "wrote "+file) {
		t.Fatalf("the exit code is %d:\n%s\n%s", code, out, errs)
	}
	events := calendarOf(t, file)
	named, _ := s.Instance("r-named")
	expiry, renewal := events["expiry.cn-hangzhou.r-named@tairssl"], events["renewal.cn-hangzhou.r-named@tairssl"]
	if at(expiry).Format("2006-01-02T15:04:05Z") != named.SSLExpiredTime || propertyOf(expiry, "SUMMARY") != `Certificate of cache, "old"; 订单 (r-named) expires` {
		t.Errorf("it expires %s: %q", at(expiry), propertyOf(expiry, "SUMMARY"))
	}
	// The renewal is due 30 days before the expiry, and happens in the instance's own window.
	if when := at(renewal); when.Before(now.Add(19*day)) || when.After(now.Add(22*day)) || when.Hour() != 3 || !strings.Contains(propertyOf(renewal, "DESCRIPTION"), "restarts") {
		t.Errorf("it is renewed %s: %q", when, propertyOf(renewal, "DESCRIPTION"))
	}
	alibaba := events["renewal.cn-hangzhou.r-alibaba@tairssl"]
	if propertyOf(alibaba, "SUMMARY") != "Alibaba renews the certificate of r-alibaba" || at(alibaba).Format("2006-01-02T15:04:05Z") != stamp(10*day) {
		t.Errorf("%q at %s", propertyOf(alibaba, "SUMMARY"), at(alibaba))
	}
	if off := events["expiry.cn-hangzhou.tt-bp1zxszhcgatnx05@tairssl"]; !strings.Contains(propertyOf(off, "DESCRIPTION"), "not renewed automatically") || events["renewal.cn-hangzhou.tt-bp1zxszhcgatnx05@tairssl"].Component != nil {
		t.Errorf("the event of the instance with the tag tairssl=off says %q", propertyOf(off, "DESCRIPTION"))
	}
	if e := events["expiry.cn-hangzhou.r-bp1zxszhcgatnx04@tairssl"]; !strings.HasSuffix(propertyOf(e, "SUMMARY"), "has expired") {
		t.Errorf("the event of an expired certificate says %q", propertyOf(e, "SUMMARY"))
	}
	if read := events["read@tairssl"]; propertyOf(read, "SUMMARY") != "tairssl has read the certificates of 12 instances" {
		t.Errorf("it says %q", propertyOf(read, "SUMMARY"))
	}
	for _, without := range []string{"r-bp1zxszhcgatnx03", "r-bp1zxszhcgatnx08", "vy3e8c2a7b41d809"} {
		if events["expiry.cn-hangzhou."+without+"@tairssl"].Component != nil {
			t.Errorf("%s has no certificate, but it has an event", without)
		}
	}

	// After a renewal the events have moved, and no old event is left.
	if code, out, _ := s.run("", "update", "r-named", "--force", "--yes"); code != 0 {
		t.Fatalf("update exits with %d: %s", code, out)
	}
	if code, _, errs := s.run("", "status", "--all", "--ics", file); code != 0 {
		t.Fatalf("the second time the exit code is %d: %s", code, errs)
	}
	if again := calendarOf(t, file); len(again) != len(events) || !at(again["expiry.cn-hangzhou.r-named@tairssl"]).After(now.AddDate(2, 0, 0)) {
		t.Errorf("after a renewal there are %d events of %d, and it expires %s", len(again), len(events), at(again["expiry.cn-hangzhou.r-named@tairssl"]))
	}
}

func TestACalendarNamesUnreadInstances(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	if err := s.Policy([]byte(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:Describe*","Resource":"*"},
		{"Effect":"Deny","Action":"kvstore:DescribeInstances","Resource":"acs:kvstore:cn-shanghai:*:*"},
		{"Effect":"Deny","Action":"kvstore:DescribeInstanceSSL","Resource":"acs:kvstore:*:*:instance/r-bp1zxszhcgatnx02"}]}`)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "certificates.ics")
	code, _, errs := s.run("", "status", "--all", "--ics", file)
	if code != 3 || !strings.Contains(errs, "cn-shanghai") || !strings.Contains(errs, "r-bp1zxszhcgatnx02") {
		t.Errorf("the exit code is %d:\n%s", code, errs)
	}
	events := calendarOf(t, file)
	read := events["read@tairssl"]
	if text := propertyOf(read, "DESCRIPTION"); !strings.HasSuffix(propertyOf(read, "SUMMARY"), "but not all of them") || !strings.Contains(text, "cn-shanghai") || !strings.Contains(text, "r-bp1zxszhcgatnx02") {
		t.Errorf("it says %q, %q", propertyOf(read, "SUMMARY"), text)
	}
	if events["expiry.cn-hangzhou.r-bp1zxszhcgatnx01@tairssl"].Component == nil {
		t.Error("the calendar lacks an instance that could be read")
	}
}

func TestFilesAreReplacedAtOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "certificates.ics")
	link := filepath.Join(dir, "link.ics")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, link} {
		if code, _, errs := s.run("", "status", "--all", "--ics", name); code != 0 {
			t.Fatalf("%s: the exit code is %d: %s", name, code, errs)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 500 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the folder contains %v, %v", entries, err)
	}
	for _, flag := range []string{"--ics", "--html"} {
		if code, _, errs := s.run("", "status", "--all", flag, filepath.Join(dir, "none", "x")); code != 2 || !strings.Contains(errs, "none") {
			t.Errorf("in a folder that does not exist, %s exits with %d: %s", flag, code, errs)
		}
		if code, _, errs := s.run("", "status", "--all", flag, dir); code != 2 {
			t.Errorf("for a folder %s exits with %d: %s", flag, code, errs)
		}
		if code, _, errs := s.run("", "status", id, flag, file); code != 2 || !strings.Contains(errs, "--all") {
			t.Errorf("without --all %s exits with %d: %s", flag, code, errs)
		}
	}
	if code, _, errs := s.run("", "status", "--all", "--html", file, "--ics", file); code != 2 || !strings.Contains(errs, "do not go together") {
		t.Errorf("with both flags status exits with %d: %s", code, errs)
	}
}
