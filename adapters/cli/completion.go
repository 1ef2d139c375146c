package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/handler"
)

// completionTime is the longest time that a shell waits for the names of instances.
const completionTime = 3 * time.Second

// completeInstances offers the ids and names of instances to the shell. If the API does
// not answer in time, it offers nothing.
func (c *command) completeInstances(cmd *cobra.Command, named []string, begun string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	quiet := *c
	quiet.Stderr = io.Discard // a shell would show messages in the middle of the line
	h, done, err := quiet.connect(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer done()
	var words []string
	for _, region := range h.Regions {
		listing, err := h.api.List(ctx, region, handler.Filter{Search: begun}, 1)
		if err != nil {
			continue
		}
		for _, l := range listing.Instances {
			words = append(words, offered(l, named, begun)...)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// offered are the id and the name of an instance, if they begin with the typed letters.
func offered(l handler.Listed, named []string, begun string) (words []string) {
	for _, n := range named {
		if n == l.InstanceID || n == l.Name {
			return nil
		}
	}
	if strings.HasPrefix(l.InstanceID, begun) {
		words = append(words, l.InstanceID+"\t"+fleetpage.Plain(l.Name))
	}
	if name := fleetpage.Plain(l.Name); begun != "" && name != l.InstanceID && strings.HasPrefix(name, begun) {
		words = append(words, name+"\t"+l.InstanceID)
	}
	return words
}

// nearestFlag adds a similar flag to the error about an unknown flag. cobra finds similar
// words only among commands, so the flags become commands here.
func nearestFlag(cmd *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return err
	}
	all := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		all.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	near := all.SuggestionsFor(name)
	if len(near) == 0 {
		return err
	}
	return fmt.Errorf("%w; did you mean --%s?", err, strings.Join(near, " or --"))
}
