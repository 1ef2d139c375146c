package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// statusOptions are the flags of status.
type statusOptions struct {
	all, tls, check bool
	html, ics       string // files; "" for none
	tags            map[string]string
}

func (c *command) status() *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status [INSTANCE…]",
		Short: "Show certificates and when they expire",
		Long: `Show certificates and when they expire.

For a single instance, sentences explain why its certificate was not renewed, or when it
will be. --check is for cron and CI.

` + namings,
		Example: `  tairssl status r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --emulate
  tairssl status orders-cache --emulate
  tairssl status --all --tag env=prod -o wide
  tairssl status --all --check
  tairssl status --all --tls
  tairssl status --all --html fleet.html --emulate
  tairssl status --all --ics renewals.ics --emulate`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := o.validate(names); err != nil {
				return err
			}
			return c.runStatus(cmd.Context(), o, names)
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	o.register(cmd)
	return cmd
}

func (o *statusOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.all, "all", false, "show all instances of the regions, the earliest expiry first")
	flags.BoolVar(&o.check, "check", false, "with --all, for cron and CI: list the instances to look at. Exit code 1: a certificate is due and was not renewed yet, although its window is open, or nothing will renew it; 2: a certificate expired or cannot be renewed in time")
	flags.BoolVar(&o.tls, "tls", false, "connect to each instance by TLS and compare its certificate with the one that the API reports; this machine must reach the instances")
	flags.StringVar(&o.html, "html", "", "write a page about the fleet to this `file`; the page needs no other file")
	flags.StringVar(&o.ics, "ics", "", "write a calendar of expiries and planned renewals to this `file` (iCalendar)")
	flags.StringToStringVar(&o.tags, "tag", nil, "with --all: only instances with this tag, as `key=value`")
}

// validate refuses flags that contradict each other.
func (o *statusOptions) validate(names []string) error {
	file := o.html != "" || o.ics != ""
	switch {
	case len(names) == 0 && !o.all:
		return usagef("name instances, or add --all")
	case len(names) > 0 && o.all:
		return usagef("--all shows every instance: do not name instances as well")
	case file && o.tls:
		return usagef("--tls does not go with --html or --ics: the page and the calendar show only data of the API")
	case file && !o.all:
		return usagef("--html and --ics need --all")
	case o.html != "" && o.ics != "":
		return usagef("--html and --ics do not go together: run the command once for each")
	case o.check && !o.all:
		return usagef("--check needs --all")
	case o.check && (o.tls || file):
		return usagef("--check does not go with --tls, --html or --ics")
	case o.tags != nil && !o.all:
		return usagef("--tag needs --all")
	}
	return validTags(o.tags)
}

// validTags refuses tags that no sweep accepts.
func validTags(tags map[string]string) error {
	if _, err := fleet.Decode(handler.JSON(fleet.Order{Tags: tags})); err != nil {
		return usageError{err}
	}
	return nil
}

func (c *command) runStatus(ctx context.Context, o statusOptions, names []string) error {
	h, done, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	if o.ics != "" {
		return c.writeCalendar(ctx, h, o.tags, o.ics)
	}
	shown := c.gauge("reading")
	defer shown.end()
	var states []fleet.State
	var coverage []fleet.Coverage
	if o.all {
		states, coverage = h.States(ctx, h.Regions, o.tags)
	} else {
		states = statesOf(ctx, h, names)
	}
	shown.end()
	c.warnUnreadSchedules(states)
	rows := make([]status, len(states))
	for i, s := range states {
		rows[i] = rowOf(s, h.Now())
	}
	return worse(c.showStatus(ctx, h, o, rows, coverage), c.unread(coverage))
}

// statesOf reads the named instances, many at a time.
func statesOf(ctx context.Context, h instances, names []string) []fleet.State {
	states := make([]fleet.State, len(names))
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for i, name := range names {
		group.Go(func() error {
			ref, err := h.named(ctx, name)
			if err != nil {
				states[i] = fleet.State{Ref: handler.Ref{InstanceID: handler.Quoted(name)}, Err: handler.AsError(err)}
				return nil
			}
			states[i] = h.State(ctx, ref)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	return states
}

// showStatus writes the rows in the form that the flags ask for.
func (c *command) showStatus(ctx context.Context, h instances, o statusOptions, rows []status, coverage []fleet.Coverage) error {
	if o.html != "" {
		page := fleetPage{Generated: h.Now(), Policy: h.Policy, Regions: h.Regions, Coverage: coverage, Rows: rows, Again: c.again(o.html, o.tags), Line: c.line}
		if err := writeFile(o.html, page); err != nil {
			return usageError{err}
		}
		fmt.Fprintf(c.Stderr, "wrote %s\n", o.html)
		c.warnEmpty(coverage)
		return nil
	}
	if o.all && len(rows) == 0 && c.output != "json" {
		if empty := (fleet.Summary{Regions: coverage}).Empty(); empty != nil {
			fmt.Fprintf(c.Stdout, "There is no instance in %s; see --region, --tag and TAIRSSL_REGION.\n", strings.Join(empty, ", "))
		}
		return nil
	}
	c.warnEmpty(coverage)
	switch {
	case o.tls:
		lookAtServed(ctx, h, rows, c.counter("shaking hands"))
		return c.printServed(h, rows, o.all)
	case o.check:
		return c.check(h, rows)
	}
	printed := c.printStatus(h, rows, o.all)
	if c.output != "json" && (o.all || len(rows) > 1) {
		c.tellFreezes(h, h.Now().Add(handler.DefaultRenewBefore), 1)
	}
	return printed
}

// warnUnreadSchedules warns once if Alibaba's own renewals could not be read.
func (c *command) warnUnreadSchedules(states []fleet.State) {
	n, why := 0, error(nil)
	for _, s := range states {
		if s.RenewalErr != nil {
			n, why = n+1, s.RenewalErr
		}
	}
	if n > 0 {
		fmt.Fprintf(c.Stderr, "tairssl: the renewals that Alibaba itself has scheduled are not known for %s: %s\n", counted(n, "instance", "instances"), handler.AsError(why).Message)
	}
}
