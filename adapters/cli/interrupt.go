package cli

import (
	"fmt"

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
