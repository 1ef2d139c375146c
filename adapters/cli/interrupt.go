package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"tairssl/handler"
)

// interruptedCode is the exit code of a command that was interrupted. Shells use it for
// SIGINT.
const interruptedCode = 130

// untilInterrupted marks a command that runs until an interrupt. Such a command keeps its
// own exit code.
const untilInterrupted = "until interrupted"

// tellInterrupted says which changes were sent before an interrupt. An instance finishes
// a change even if nobody watches it.
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

// line is a command for a shell that works on the given instance with the credential of
// this run.
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

// quoted is a word in the form that a shell reads as one word.
func quoted(word string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./@:+="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

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
