package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// agree asks a person for a yes. Without a terminal, at the end of the input and after
// an interrupt the answer is no.
func (c *command) agree(ctx context.Context, question string) bool {
	text := strings.ToLower(c.ask(ctx, question))
	return text == "y" || text == "yes"
}

// ask asks a person and returns the answer; "" without a terminal, at the end of the
// input and after an interrupt.
func (c *command) ask(ctx context.Context, question string) string {
	if !c.Ask {
		return ""
	}
	fmt.Fprint(c.Stderr, question)
	type line struct {
		text  string
		ended bool // by a line's end
	}
	answered := make(chan line, 1)
	go func() { // an interrupt does not end the read from a terminal
		text, err := bufio.NewReader(c.Stdin).ReadString('\n')
		answered <- line{text, err == nil}
	}()
	var answer line
	select {
	case <-ctx.Done():
	case answer = <-answered:
	}
	if !answer.ended {
		fmt.Fprintln(c.Stderr)
	}
	return strings.TrimSpace(answer.text)
}
