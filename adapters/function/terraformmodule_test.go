package function_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	tffunction "github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// module is a Terraform module.
type module struct {
	variables, locals map[string]hclsyntax.Expression // the default of a variable
	resources         map[string]*hclsyntax.Block     // by type and name; a data source begins with data.
	bodies            []*hclsyntax.Body
}

func readModule(t *testing.T, folder string) module {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "terraform", "*.tf"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%s has the files %v, %v", folder, files, err)
	}
	m := module{map[string]hclsyntax.Expression{}, map[string]hclsyntax.Expression{}, map[string]*hclsyntax.Block{}, nil}
	parser := hclparse.NewParser()
	for _, name := range files {
		file, faults := parser.ParseHCLFile(name)
		if faults.HasErrors() {
			t.Fatal(faults)
		}
		body := file.Body.(*hclsyntax.Body)
		m.bodies = append(m.bodies, body)
		for _, block := range body.Blocks {
			switch block.Type {
			case "variable":
				m.variables[block.Labels[0]] = nil
				if value, ok := block.Body.Attributes["default"]; ok {
					m.variables[block.Labels[0]] = value.Expr
				}
				if block.Body.Attributes["description"] == nil || block.Body.Attributes["type"] == nil {
					t.Errorf("%s: the variable %s lacks a description or a type", folder, block.Labels[0])
				}
			case "locals":
				for name, attribute := range block.Body.Attributes {
					m.locals[name] = attribute.Expr
				}
			case "resource":
				m.resources[block.Labels[0]+"."+block.Labels[1]] = block
			case "data":
				m.resources["data."+block.Labels[0]+"."+block.Labels[1]] = block
			}
		}
	}
	return m
}

// evaluate gives the value of an expression of a module with the variables.
func (m module) evaluate(t *testing.T, expression hclsyntax.Expression, variables map[string]cty.Value) any {
	t.Helper()
	locals := map[string]cty.Value{}
	context := func() *hcl.EvalContext {
		return &hcl.EvalContext{
			Variables: map[string]cty.Value{"var": cty.ObjectVal(variables), "local": cty.ObjectVal(locals)},
			Functions: map[string]tffunction.Function{"jsonencode": stdlib.JSONEncodeFunc, "merge": stdlib.MergeFunc, "concat": stdlib.ConcatFunc, "lookup": stdlib.LookupFunc},
		}
	}
	for range m.locals { // a local may need another one
		for name, local := range m.locals {
			if value, faults := local.Value(context()); !faults.HasErrors() {
				locals[name] = value
			}
		}
	}
	value, faults := expression.Value(context())
	if faults.HasErrors() {
		t.Fatal(faults)
	}
	encoded, err := stdlib.JSONEncode(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal([]byte(encoded.AsString()), &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}
