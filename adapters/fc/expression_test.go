package fc_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/scanner"
)

// construct builds an object from a template. The value of a key that ends in .$ is an
// expression.
func construct(template, values map[string]any) (map[string]any, error) {
	object := map[string]any{}
	for key, value := range template {
		name, expression := strings.CutSuffix(key, ".$")
		var err error
		if inner, ok := value.(map[string]any); ok {
			value, err = construct(inner, values)
		} else if expression {
			value, err = evaluate(value.(string), values)
		} else if text, ok := value.(string); ok && strings.HasPrefix(text, "$") {
			err = fmt.Errorf("%s is a text and reads like an expression: end its key in .$", key)
		}
		if err != nil {
			return nil, err
		}
		object[name] = value
	}
	return object, nil
}

// evaluate computes an expression. It knows comparisons, && and ||, the built-in functions
// in call, paths such as $Input.Taken, and JSON objects.
func evaluate(text string, values map[string]any) (v any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			v, err = nil, fmt.Errorf("%s: %v", text, fault)
		}
	}()
	e := &expression{text: text, values: values}
	e.Init(strings.NewReader(text))
	e.Error = func(*scanner.Scanner, string) {}
	e.next()
	v = e.or()
	if e.token != scanner.EOF {
		panic("it goes on with " + e.TokenText())
	}
	return v, nil
}

type expression struct {
	scanner.Scanner
	text   string
	values map[string]any
	token  rune
}

func (e *expression) next() { e.token = e.Scan() }

// take reads an operator if it comes next.
func (e *expression) take(operator string) bool {
	if e.token != rune(operator[0]) {
		return false
	}
	for i := 1; i < len(operator); i++ {
		if e.Peek() != rune(operator[i]) {
			return false
		}
		e.Next()
	}
	e.next()
	return true
}

func (e *expression) or() any {
	v := e.and()
	for e.take("||") {
		right := e.and().(bool)
		v = v.(bool) || right
	}
	return v
}

func (e *expression) and() any {
	v := e.compare()
	for e.take("&&") {
		right := e.compare().(bool)
		v = v.(bool) && right
	}
	return v
}

func (e *expression) compare() any {
	v := e.operand()
	switch {
	case e.take("=="):
		right := e.operand()
		if reflect.TypeOf(v) != reflect.TypeOf(right) {
			panic(fmt.Sprintf("%v and %v are not of one type", v, right))
		}
		return v == right
	case e.take(">="):
		return v.(float64) >= e.operand().(float64)
	case e.take("<="):
		return v.(float64) <= e.operand().(float64)
	}
	return v
}

func (e *expression) operand() any {
	switch e.token {
	case '$':
		e.next()
		v, ok := e.values[e.TokenText()]
		if !ok {
			panic("there is no $" + e.TokenText() + " here")
		}
		for e.next(); e.token == '.'; e.next() {
			e.next()
			object := v.(map[string]any)
			if v, ok = object[e.TokenText()]; !ok {
				panic("there is no field " + e.TokenText())
			}
		}
		return v
	case scanner.String:
		text, _ := strconv.Unquote(e.TokenText())
		e.next()
		return text
	case scanner.Int:
		n, _ := strconv.ParseFloat(e.TokenText(), 64)
		e.next()
		return n
	case '{':
		var object map[string]any
		rest := json.NewDecoder(strings.NewReader(e.text[e.Position.Offset:]))
		if err := rest.Decode(&object); err != nil {
			panic(err)
		}
		for end := e.Position.Offset + int(rest.InputOffset()); e.token != scanner.EOF && e.Position.Offset < end; {
			e.next()
		}
		return object
	case scanner.Ident:
		name := e.TokenText()
		e.next()
		var arguments []any
		for e.take("(") || e.take(",") {
			arguments = append(arguments, e.or())
		}
		if !e.take(")") {
			panic(name + " is not closed")
		}
		return call(name, arguments)
	}
	panic("it cannot begin with " + e.TokenText())
}

// call runs a built-in function.
// https://www.alibabacloud.com/help/en/serverless-workflow/latest/built-in-functions
func call(name string, arguments []any) any {
	switch name {
	case "length":
		return float64(len(arguments[0].([]any)))
	case "intAdd":
		return toFloat(arguments[0]) + toFloat(arguments[1])
	case "get":
		if list, ok := arguments[0].([]any); ok {
			return list[int(toFloat(arguments[1]))]
		}
		return arguments[0].(map[string]any)[arguments[1].(string)]
	case "jsonMerge":
		merged := map[string]any{}
		for _, object := range arguments {
			for key, value := range object.(map[string]any) {
				merged[key] = value
			}
		}
		return merged
	}
	panic("there is no function " + name)
}

func toFloat(v any) float64 {
	f, ok := v.(float64)
	if !ok {
		panic(fmt.Sprintf("%v is not a number", v))
	}
	return f
}
