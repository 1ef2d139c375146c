package chatops

import (
	"testing"

	"pgregory.net/rapid"

	"tairssl/handler/handlertest"
)

func TestDistanceOfWords(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"update", "update", 0}, {"updaet", "update", 2}, {"kitten", "sitting", 3},
		{"flaw", "lawn", 2}, {"更新", "更改", 1}, {"状态", "status", 6}, {"saturday", "sunday", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q it is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// These laws hold for every distance. The words are random.
func TestDistanceIsOne(t *testing.T) {
	word := rapid.StringOfN(rapid.RuneFrom([]rune("ab更")), 0, 6, -1)
	handlertest.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		switch ab := distance(a, b); {
		case (ab == 0) != (a == b):
			t.Fatalf("from %q to %q it is %d", a, b, ab)
		case ab != distance(b, a):
			t.Fatalf("from %q to %q it is %d, and %d back", a, b, ab, distance(b, a))
		case distance(a, c) > ab+distance(b, c):
			t.Fatalf("from %q to %q it is more than by way of %q", a, c, b)
		}
	})
}
