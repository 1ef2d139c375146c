package cli

import "strings"

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
	return shell(word)
}

// shell quotes a word for a POSIX shell, even if it needs no quotes.
func shell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
