package event_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/handler/handlertest"
)

// asks describes what a payload asks for.
func asks(d *event.Decoder, payload []byte) string {
	asked := d.Decode(payload)
	if asked.Sweep != nil {
		return asked.Trigger
	}
	var parts []string
	for _, r := range asked.Requests {
		switch {
		case r.Validate() != nil:
			parts = append(parts, "invalid")
		case r.Settled():
			parts = append(parts, "nothing")
		default:
			s := fmt.Sprintf("%s %s", r.SSLEnabled, r.InstanceID)
			if r.OrID != "" {
				s += " or " + r.OrID
			}
			if r.RegionID != "" {
				s += "@" + r.RegionID
			}
			if r.Automatic {
				s += " automatic"
			}
			parts = append(parts, s)
		}
	}
	return asked.Trigger + ": " + strings.Join(parts, ", ")
}

var update = flag.Bool("update", false, "write the golden file anew")

// Each sample asks for what testdata/samples.golden says. HTTP requests are left out: the
// packages lambda and fc open them.
func TestEverySampleAsksForWhatItsGoldenSays(t *testing.T) {
	samples := handlertest.Samples(t, "../../events")
	if len(samples) < 30 {
		t.Fatalf("there are only %d samples", len(samples))
	}
	var got strings.Builder
	for _, file := range slices.Sorted(maps.Keys(samples)) {
		if payload := samples[file]; !isHTTP(payload) {
			fmt.Fprintf(&got, "%s\n\t%s\n", file, asks(&event.Decoder{}, payload))
		}
	}
	const golden = "testdata/samples.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the samples ask for\n%s\nwant\n%s\nIf the difference is right, run go test ./adapters/event -update and review the golden file.", got.String(), want)
	}
}

func isHTTP(payload []byte) bool {
	return bytes.Contains(payload, []byte(`"requestContext"`)) && !bytes.Contains(payload, []byte("requestPayload"))
}

// row is a row of the README's table of triggers.
type row struct {
	names   []string // in the log
	samples []string // file names
}

func readTriggerTable(t *testing.T, readme string) (rows []row) {
	t.Helper()
	_, table, _ := strings.Cut(readme, "\n| trigger | on | in the log | what it asks for | sample |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || strings.HasPrefix(cells[1], "-") {
			continue
		}
		var r row
		for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[3], -1) {
			r.names = append(r.names, m[1])
		}
		for _, m := range regexp.MustCompile(`\(\.\./\.\./events/([a-z0-9-]+\.json)\)`).FindAllStringSubmatch(line, -1) {
			r.samples = append(r.samples, m[1])
		}
		rows = append(rows, r)
	}
	return rows
}

// The README's table has a row for every trigger and carrier of the code. The samples of
// a row have the row's name in the log.
func TestTheTableOfTriggersInTheREADMEFitsTheCode(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	var named, linked []string
	for _, r := range readTriggerTable(t, readme) {
		named, linked = append(named, r.names...), append(linked, r.samples...)
		for _, sample := range r.samples {
			payload, err := os.ReadFile("../../events/" + sample)
			if err != nil {
				t.Fatal(err)
			}
			logged := strings.FieldsFunc((&event.Decoder{}).Decode(payload).Trigger, func(c rune) bool { return c == '/' || c == ',' })
			if !isHTTP(payload) && (r.names == nil || !slices.Contains(logged, r.names[0])) {
				t.Errorf("the row of %s has the names %v, but the log has %v", sample, r.names, logged)
			}
		}
	}
	slices.Sort(named)
	if named = slices.Compact(named); !slices.Equal(named, event.Names()) {
		t.Errorf("the README has rows for %v, the code has %v", named, event.Names())
	}
	for file := range handlertest.Samples(t, "../../events") {
		if !slices.Contains(linked, file) && !strings.Contains(readme, "(../../events/"+file+")") {
			t.Errorf("the README does not link %s", file)
		}
	}
	if len(linked) < 30 {
		t.Fatalf("the table links only %d samples", len(linked))
	}
}
