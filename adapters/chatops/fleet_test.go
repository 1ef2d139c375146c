package chatops_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

// newFleet is a cloud of n instances whose certificates are valid for a year.
func newFleet(n int) *cloud {
	c := newCloud()
	for i := range n {
		c.ssl[fmt.Sprintf("r-fleet%05d", i)] = handler.SSL{Enabled: true, Expires: c.now.AddDate(1, 0, i)}
	}
	c.elsewhere, c.faults = map[string]string{}, map[string]error{}
	return c
}

func TestStatusOfTheFleetShowsTheMostUrgentOfAllPagesAndRegions(t *testing.T) {
	c := newFleet(320)
	c.ssl["r-fleet00319"] = handler.SSL{Enabled: true, Expires: c.now.AddDate(0, 0, 9)}
	c.ssl["r-shanghai01"] = handler.SSL{Enabled: true, Expires: c.now.AddDate(0, 0, 5)}
	c.elsewhere["r-shanghai01"] = "cn-shanghai"
	answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "status")
	lines := strings.Split(answer, "\n")
	if !strings.HasPrefix(lines[0], "r-shanghai01 region=cn-shanghai: valid until 2026-11-29 (in 5d), Normal, renewal due") || !strings.HasPrefix(lines[1], "r-fleet00319: valid until 2026-12-03 (in 9d)") {
		t.Errorf("the most urgent are not on top:\n%s", answer)
	}
	if len(lines) != 21 || lines[20] != "… and 301 more that expire later" {
		t.Errorf("the answer for 321 instances has %d lines:\n%s", len(lines), answer)
	}
	if answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "status region=cn-shanghai"); !strings.HasPrefix(answer, "r-shanghai01") || strings.Contains(answer, "fleet") {
		t.Errorf("the answer for one region is:\n%s", answer)
	}
}

func TestStatusOfTheFleetReadsOnlyAllowedInstances(t *testing.T) {
	c := newFleet(120)
	answer, _ := say(c.bot("slack:T1/U1 status r-fleet0011*"), anna, "status")
	if len(c.looked) != 10 || strings.Count(answer, "until") != 10 {
		t.Errorf("%d were read, and the answer is:\n%s", len(c.looked), answer)
	}
	if answer, _ := say(c.bot("slack:T1/U1 status r-none*"), anna, "status"); answer != "There is no instance in cn-hangzhou, cn-shanghai that you may see." {
		t.Errorf("the answer without visible instances is %q", answer)
	}
}

// An instance that was not read may be the most urgent one. So the answer must say that it
// is not complete, and it must still be in time.
func TestStatusOfALargeFleetSaysThatItIsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFleet(700)
		c.takes = 100 * time.Millisecond
		ctx, cancel := context.WithTimeout(context.Background(), 2700*time.Millisecond)
		defer cancel()
		began := time.Now()
		m := anna
		m.Text = "status"
		answer := strings.Join(c.bot("slack:T1/U1 status *").Say(ctx, m).Lines, "\n")
		took := time.Since(began)
		found := regexp.MustCompile(`NOT all: in the available time I read (\d+) of 700 instances in cn-hangzhou, cn-shanghai`).FindStringSubmatch(answer)
		if found == nil || took >= 2700*time.Millisecond {
			t.Fatalf("the answer after %s is:\n%s", took, answer)
		}
		if seen, _ := strconv.Atoi(found[1]); seen < 100 || seen > 400 || strings.Count(answer, "until") != 20 {
			t.Errorf("%s of 700 instances were read, and the answer is:\n%s", found[1], answer)
		}
	})
}

func TestErrorsDoNotHideUrgentInstances(t *testing.T) {
	c := newFleet(60)
	for i := range 40 {
		c.faults[fmt.Sprintf("r-fleet%05d", i)] = handler.Errorf(handler.Forbidden, "allow kvstore:DescribeInstanceSSL")
	}
	c.faults["cn-shanghai"] = handler.Errorf(handler.Unavailable, "no answer")
	answer, _ := say(c.bot("slack:T1/U1 status *"), anna, "status")
	for _, want := range []string{"r-fleet00040: valid until", "r-fleet00000 and 39 more: Allow kvstore:DescribeInstanceSSL.", "Could not list cn-shanghai: no answer."} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer does not say %q:\n%s", want, answer)
		}
	}
	if strings.Count(answer, "DescribeInstanceSSL") != 1 || !strings.HasPrefix(answer, "r-fleet00040") {
		t.Errorf("the answer with 40 errors is:\n%s", answer)
	}
}

// The command that an answer suggests must contain the region of the instance.
func TestAnswersNameTheRegionThatACommandNeeds(t *testing.T) {
	c := newCloud("r-shanghai01")
	c.elsewhere = map[string]string{"r-shanghai01": "cn-shanghai"}
	b := c.bot("slack:T1/U1 * *")
	_, code := say(b, anna, "update r-shanghai01")
	for range 2 {
		if answer, _ := say(b, anna, "confirm "+code); !strings.Contains(answer, "end status r-shanghai01 region=cn-shanghai ") {
			t.Errorf("the answer to the confirmation is %q", answer)
		}
	}
	for _, text := range []string{"status r-gonegone", "update r-gonegone"} {
		if answer, _ := say(b, anna, text); !strings.Contains(answer, "No instance r-gonegone in cn-hangzhou, cn-shanghai") {
			t.Errorf("%s is answered %q", text, answer)
		}
	}
}
