package rehearsal_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"tairssl/adapters/cli/rehearsal"
)

// fields returns the JSON names of a struct's fields, including those of embedded
// structs.
func fields(of reflect.Type) (names []string) {
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			names = append(names, fields(f.Type)...)
		case name == "":
			names = append(names, f.Name)
		default:
			names = append(names, name)
		}
	}
	return names
}

func TestEveryFieldOfTheReportIsExplained(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, of := range []reflect.Type{
		reflect.TypeFor[rehearsal.Report](), reflect.TypeFor[rehearsal.Effect](), reflect.TypeFor[rehearsal.Connections](), reflect.TypeFor[rehearsal.Spread](),
		reflect.TypeFor[rehearsal.CallStats](), reflect.TypeFor[rehearsal.Advice](), reflect.TypeFor[rehearsal.CA](), reflect.TypeFor[rehearsal.Mark](),
	} {
		for _, name := range fields(of) {
			seen++
			if name != "Action" && name != "What" && !strings.Contains(string(readme), "`"+name+"`") && !strings.Contains(string(readme), "."+name+"`") {
				t.Errorf("README.md does not explain %s of %s", name, of)
			}
		}
	}
	if seen < 40 {
		t.Errorf("the report has only %d fields", seen)
	}
}

func TestAReportSurvivesJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rehearsal.Run(t.Context(), usual().options())
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again rehearsal.Report
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if written, err := json.Marshal(again); err != nil || string(written) != string(text) {
			t.Errorf("read and written again, the report is (%v)\n%s\nwant\n%s", err, written, text)
		}
		for _, want := range []string{`"End":"complete"`, `"ModifyingFor":"3m0s"`, `"ServedNew":"3m4`, `"CA":null`, `"CAUnread":"reading the CA was turned off"`, `"OldUntil":null`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s is missing in\n%s", want, text)
			}
		}
	})
}
