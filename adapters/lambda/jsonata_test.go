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

// interpreter evaluates a JSONata expression with variables. It is a library in
// Go, so that the tests need nothing else; with TAIRSSL_NODE_MODULES it is the
// reference implementation, which Step Functions runs.
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

// startInterpreter starts the reference implementation, if that is to be asked.
// It ends with the tests, because its questions end.
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

// byNode asks adapters/function/testdata/npm/evaluate.js, line by line.
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
