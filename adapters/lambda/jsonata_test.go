package lambda_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	jsonata "github.com/blues/jsonata-go"
)

// interpreter evaluates a JSONata expression with variables. Without TAIRSSL_NODE_MODULES
// it is a Go library, so that the tests need nothing else. With it, it is the reference
// implementation, which Step Functions uses.
var interpreter = inGo

func inGo(text string, variables map[string]any) (any, error) {
	expression, err := jsonata.Compile(text)
	if err != nil {
		return nil, err
	}
	if err := expression.RegisterVars(variables); err != nil {
		return nil, err
	}
	return expression.Eval(nil)
}

// startInterpreter starts the reference implementation if TAIRSSL_NODE_MODULES is set. The
// process ends with the tests, because its input ends.
func startInterpreter() {
	modules := os.Getenv("TAIRSSL_NODE_MODULES")
	if modules == "" {
		return
	}
	node := exec.Command("node", "../function/testdata/npm/evaluate.js")
	absolute, err := filepath.Abs(filepath.Join("..", "..", modules))
	if err != nil {
		panic(err)
	}
	node.Env, node.Stderr = append(os.Environ(), "NODE_PATH="+absolute), os.Stderr
	to, err := node.StdinPipe()
	if err != nil {
		panic(err)
	}
	from, err := node.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := node.Start(); err != nil {
		panic(err)
	}
	interpreter = byNode(to, from)
}

// byNode sends each expression as a line to adapters/function/testdata/npm/evaluate.js.
func byNode(to io.Writer, from io.Reader) func(string, map[string]any) (any, error) {
	answers := bufio.NewReader(from)
	return func(text string, variables map[string]any) (any, error) {
		question, err := json.Marshal(map[string]any{"expression": text, "variables": variables})
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(append(question, '\n')); err != nil {
			return nil, err
		}
		line, err := answers.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		var answer struct {
			Result any
			Error  string
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			return nil, err
		}
		if answer.Error != "" {
			return nil, errors.New(answer.Error)
		}
		return answer.Result, nil
	}
}
