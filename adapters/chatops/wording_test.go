package chatops

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// The values in a sentence have the same order in every language.
func TestBothLanguagesHaveEverySentence(t *testing.T) {
	filled := func(s string) string { return strings.Join(regexp.MustCompile(`%[a-z]`).FindAllString(s, -1), "") }
	english, chinese := reflect.ValueOf(*inEnglish()), reflect.ValueOf(*inChinese())
	sentences := 0
	compare := func(name, e, c string) {
		sentences++
		if e == "" || c == "" || filled(e) != filled(c) {
			t.Errorf("%s is %q in English and %q in Chinese", name, e, c)
		}
	}
	for i := range english.NumField() {
		name := english.Type().Field(i).Name
		switch e := english.Field(i).Interface().(type) {
		case string:
			if name != "InBrackets" {
				compare(name, e, chinese.Field(i).String())
			}
		case map[string]string:
			for key := range e {
				compare(name+" "+key, e[key], inChinese().Verbs[key])
			}
		case map[string][]string:
			for key := range e {
				if len(e[key]) == 0 || len(inChinese().Happens[key]) == 0 {
					t.Errorf("%s: the sentence for %s is missing in one language", name, key)
				}
			}
		case map[handler.Outcome]string:
			for key := range e {
				compare(name+" "+string(key), e[key], inChinese().Outcomes[key])
			}
		}
	}
	if sentences < 90 {
		t.Errorf("only %d sentences were compared", sentences)
	}
	for _, w := range []*wording{inEnglish(), inChinese()} {
		if verbsOf := slices.Sorted(maps.Keys(w.Verbs)); !slices.Equal(verbsOf, slices.Sorted(slices.Values(verbs))) {
			t.Errorf("there are words for the verbs %v", verbsOf)
		}
		if len(w.Outcomes) != len(outcomes) {
			t.Errorf("there are words for %d outcomes, want %d", len(w.Outcomes), len(outcomes))
		}
	}
}

var outcomes = []handler.Outcome{
	handler.Verified, handler.Accepted, handler.Unchanged, handler.Planned, handler.Deferred, handler.InProgress, handler.Refused, handler.Unknown, handler.Failed,
}

// For every result, a Chinese answer gives the reason in Chinese, and then the English
// reason in brackets.
func TestEveryReasonIsSaidInChinese(t *testing.T) {
	var results []handler.Result
	for _, outcome := range outcomes {
		for _, action := range []handler.Action{handler.Update, handler.Enable, handler.Disable} {
			for _, before := range []*handler.State{nil, {SSLEnabled: "Disable"}, {SSLEnabled: "Enable"}} {
				for _, flag := range []bool{false, true} {
					r := handler.Result{SSLEnabled: action, Outcome: outcome, Before: before, Reason: "the reason"}
					if outcome == handler.Failed {
						r.Error = handler.Errorf(handler.Locked, "x")
					}
					busy, noTLS, optedOut := r, r, r
					busy.Busy, noTLS.NoTLS, optedOut.OptedOut = flag, flag, flag
					results = append(results, busy, noTLS, optedOut)
				}
			}
		}
	}
	for _, kind := range []handler.Kind{
		handler.Invalid, handler.Unauthorized, handler.Forbidden, handler.NotFound, handler.Unsupported, handler.Locked, handler.Throttled, handler.Unavailable, handler.Internal,
	} {
		results = append(results, handler.Result{Outcome: handler.Failed, Reason: "the reason", Error: handler.Errorf(kind, "the reason")})
		if said := inChinese().fault(handler.Errorf(kind, "the message")); !strings.HasSuffix(said, "（the message）。") {
			t.Errorf("%s is described as %q", kind, said)
		}
	}
	used := map[why]bool{}
	for _, r := range results {
		used[whyOf(r)] = true
		if said := inChinese().reason(r); !strings.HasSuffix(said, "（the reason）。") || strings.HasPrefix(said, "（") {
			t.Errorf("%+v is described as %q", r, said)
		}
		if said := inEnglish().reason(r); said != "The reason." {
			t.Errorf("%+v is described as %q", r, said)
		}
	}
	for y := range inChinese().Whys {
		if !used[y] {
			t.Errorf("no result has this reason: %s", y)
		}
	}
}

// The reason in Chinese depends on the fields of a result, not on its text.
func TestTheReasonDependsOnTheFieldsOfAResult(t *testing.T) {
	off := &handler.State{SSLEnabled: string(handler.Disable)}
	for want, r := range map[why]handler.Result{
		whyDue:                {SSLEnabled: handler.Update, Outcome: handler.Planned},
		whyOff:                {SSLEnabled: handler.Enable, Outcome: handler.Verified},
		whyOn:                 {SSLEnabled: handler.Disable, Outcome: handler.Accepted},
		whyNotDue:             {SSLEnabled: handler.Update, Outcome: handler.Unchanged},
		whyNothing:            {SSLEnabled: handler.Update, Outcome: handler.Unchanged, Before: off},
		whyAlreadyOff:         {SSLEnabled: handler.Disable, Outcome: handler.Unchanged, Before: off},
		whyNoTLS:              {SSLEnabled: handler.Update, Outcome: handler.Unchanged, NoTLS: true},
		whyBusy:               {Outcome: handler.InProgress, Busy: true},
		whyUnderWay:           {Outcome: handler.InProgress},
		whyOptedOut:           {Outcome: handler.Refused, OptedOut: true},
		whyPolicy:             {Outcome: handler.Refused, Error: handler.Errorf(handler.Forbidden, "the tag is refused")},
		whyUnsure:             {Outcome: handler.Unknown, Error: handler.Errorf(handler.Unavailable, "no answer")},
		why(handler.Locked):   {Outcome: handler.Failed, Error: handler.Errorf(handler.Locked, "x")},
		why(handler.NotFound): {Outcome: handler.Failed, Error: handler.Errorf(handler.NotFound, "x")},
	} {
		if got := whyOf(r); got != want {
			t.Errorf("%+v gives the reason %q, want %q", r, got, want)
		}
	}
}

// The code contains the language, and the seal covers the language.
func TestTheLanguageOfACodeIsSealed(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p := plan{Verb: "disable", Instance: "r-bp1zxszhcgatnx01", Region: "cn-hangzhou"}
	m := Message{Platform: "slack", Tenant: "T1", User: "U1", Channel: "C1"}
	c := coder{key: []byte("0123456789abcdef")}
	for _, chinese := range []bool{false, true} {
		read, fault := c.read(c.code(p, m, chinese, now), m, now)
		if fault != nil || read.chinese != chinese || read.verb != p.Verb || !read.fits(p) {
			t.Errorf("the code of a plan, in Chinese %v, is read as %s, in Chinese %v, %v", chinese, read.verb, read.chinese, fault)
		}
		read.chinese = !chinese
		altered, fault := c.read(read.write(), m, now) // this computes a new check, but keeps the seal
		if fault != nil || altered.chinese == chinese || altered.fits(p) {
			t.Errorf("a code whose language was altered fits: %v", fault)
		}
	}
}
