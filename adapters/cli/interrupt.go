package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"tairssl/handler"
)

// interruptedCode is the exit code of a command that was interrupted, as shells
// have it for SIGINT.
const interruptedCode = 130

// untilInterrupted marks a command that an interrupt is meant to end: its exit
// code is then its own.
const untilInterrupted = "until interrupted"

// tellInterrupted says what had been sent when an interrupt came. An instance
// goes on with a change, whoever watches it.
func (c *command) tellInterrupted(results []handler.Result) {
	for _, r := range results {
		switch r.Outcome {
		case handler.Accepted, handler.Unknown:
			fmt.Fprintf(c.Stderr, "tairssl: interrupted. ModifyInstanceSSL (%s) was sent for %s, and the instance goes on with it. Look at it with: %s\n",
				r.SSLEnabled, r.InstanceID, c.line("status", r.InstanceID, r.RegionID))
		case handler.Failed:
			fmt.Fprintf(c.Stderr, "tairssl: interrupted. Nothing was sent for %s.\n", r.InstanceID)
		}
	}
}

// line is a command that can be pasted: it works on the same instance with the
// same credential.
func (c *command) line(name, id, region string) string {
	words := []string{"tairssl", name, quoted(id)}
	if region != "" {
		words = append(words, "--region", quoted(region))
	}
	if c.profile != "" {
		words = append(words, "--profile", quoted(c.profile))
	}
	if c.emulate {
		words = append(words, "--emulate")
	}
	return strings.Join(words, " ")
}

// quoted is a word for a shell.
func quoted(word string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./@:+="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// agree asks, where a person is there to be asked. An end of the input and an
// interrupt are a no.
func (c *command) agree(ctx context.Context, question string) bool {
	text := strings.ToLower(c.ask(ctx, question))
	return text == "y" || text == "yes"
}

// ask gives what a person answers; "" where nobody is there to be asked, at the end
// of the input, and after an interrupt.
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
	go func() { // an interrupt does not end a read from a terminal
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
