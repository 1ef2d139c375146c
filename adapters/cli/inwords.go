package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// days writes a date and how far away it is, such as "2026-12-06 (in 12d)"; "-" for no
// date.
func days(t handler.Time, now time.Time) string {
	switch left := t.Sub(now); {
	case t.IsZero():
		return "-"
	case left < 0:
		return fmt.Sprintf("%s (%s ago)", t.Format(time.DateOnly), handler.Span(-left))
	default:
		return fmt.Sprintf("%s (in %s)", t.Format(time.DateOnly), handler.Span(left))
	}
}

// minute writes a time to the minute, in UTC; "-" for no time.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04") + " UTC"
}

// counted writes a number with the singular or the plural of a noun.
func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// join joins the texts that are not empty with semicolons.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}
