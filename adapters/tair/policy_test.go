package tair_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// actionsCalled finds the actions that this package calls in its source: each request is
// made by kvstore.Create<Action>Request.
func actionsCalled(t *testing.T) (actions []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				rest, made := strings.CutPrefix(s.Sel.Name, "Create")
				if action, ok := strings.CutSuffix(rest, "Request"); made && ok {
					actions = append(actions, "kvstore:"+action)
				}
			}
			return true
		})
	}
	if len(actions) < 5 {
		t.Fatalf("only the actions %v are found in the source", actions)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// list is a field of a policy with one value or several.
type list []string

func (l *list) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

type statement struct {
	Effect           string
	Action, Resource list
	Condition        map[string]map[string]list
}

func readPolicy(t *testing.T, file string) []statement {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A custom policy of RAM may have 6144 characters.
	if len(text) > 6144 {
		t.Errorf("%s has %d characters, more than the 6144 allowed", file, len(text))
	}
	var policy struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal(text, &policy); err != nil || policy.Version != "1" || len(policy.Statement) == 0 {
		t.Fatalf("%s is not a policy: %v", file, err)
	}
	return policy.Statement
}

func TestPolicyAllowsExactlyTheCallsOfThisPackage(t *testing.T) {
	var allowed []string
	for _, s := range readPolicy(t, "policy.json") {
		if s.Effect != "Allow" {
			t.Errorf("the statement for %v does not allow", s.Action)
		}
		allowed = append(allowed, s.Action...)
	}
	slices.Sort(allowed)
	called := actionsCalled(t)
	for _, action := range called {
		if !slices.Contains(allowed, action) {
			t.Errorf("the package calls %s, but policy.json does not allow it", action)
		}
	}
	for _, action := range allowed {
		if !slices.Contains(called, action) {
			t.Errorf("policy.json allows %s, but the package does not call it", action)
		}
	}
}

func TestPolicyAllowsChangesOfNamedInstancesOnly(t *testing.T) {
	for _, s := range readPolicy(t, "policy.json") {
		reads := !slices.ContainsFunc(s.Action, func(a string) bool { return !strings.HasPrefix(a, "kvstore:Describe") })
		if reads {
			continue
		}
		// RAM cannot limit this action to instances. It has its own statement, so that
		// operators can leave it out.
		if slices.Contains(s.Action, "kvstore:ModifyActiveOperationTasks") {
			if !slices.Equal(s.Action, list{"kvstore:ModifyActiveOperationTasks"}) || !slices.Equal(s.Resource, list{"*"}) {
				t.Errorf("the right to move Alibaba's own renewals is granted with %v on %v, want it alone on *", s.Action, s.Resource)
			}
			continue
		}
		for _, resource := range s.Resource {
			_, id, ok := strings.Cut(resource, ":instance/")
			if !ok || strings.ContainsAny(id, "*?") {
				t.Errorf("%v are allowed on %s, which names no instance", s.Action, resource)
			}
		}
		if slices.ContainsFunc(s.Action, func(a string) bool { return strings.HasPrefix(a, "kvstore:Describe") }) {
			t.Errorf("%v mixes reads and writes", s.Action)
		}
		if slices.Contains(s.Action, "kvstore:ModifyInstanceSSL") && !slices.Equal(s.Condition["StringEquals"]["kvstore:SSLEnabled"], list{"Update"}) {
			t.Errorf("ModifyInstanceSSL is allowed under %v, want only for Update, as TAIRSSL_ACTIONS is by default", s.Condition)
		}
	}
}
