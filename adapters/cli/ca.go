package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/adapters/tair/cachain"
	"tairssl/handler"
)

// caRow is the CA chain of an instance, and the file with the chain.
type caRow struct {
	InstanceID   string `json:"InstanceId"`
	RegionID     string `json:"RegionId"`
	InstanceName string
	CA           string        // the fingerprint of the CA
	Certificates []certificate // in the order of the file
	File         string
	Written      bool // false if the file already held this chain, or with --dry-run
	Error        *handler.Error

	chain cachain.Chain
}

// certificate describes one certificate of a chain.
type certificate struct {
	Subject, Issuer     string
	NotBefore, NotAfter handler.Time
	SHA256              string
}

func (c *command) ca() *cobra.Command {
	var to destination
	cmd := &cobra.Command{
		Use:   "ca INSTANCE…",
		Short: "Download the CA chains that clients must trust",
		Long: `Download the CA chains that clients must trust.

The command downloads the chain of each instance from Alibaba and writes it to the file
INSTANCE.pem. It does not connect to the instance. It does not overwrite a file with another
content, unless you add --force. TAIRSSL_CA_ACCEPT takes the fingerprint that it prints.

` + namings,
		Example: `  tairssl ca orders-cache --emulate --out /tmp
  tairssl ca r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --out certificates
  tairssl ca r-bp1zxszhcgatnx01 --dry-run -o json`,
		Args: atLeastOne("instance"),
		RunE: func(cmd *cobra.Command, names []string) error {
			if to.dir == "" {
				return usagef("--out takes a folder, such as .")
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			shown := c.gauge("downloading")
			rows := chainsOf(cmd.Context(), h, names)
			shown.end()
			for i := range rows {
				to.keep(&rows[i])
			}
			return c.printChains(rows)
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	flags := cmd.Flags()
	flags.StringVar(&to.dir, "out", ".", "`folder` to write the files to; it is created if it does not exist")
	flags.BoolVar(&to.force, "force", false, "overwrite files with another content")
	flags.BoolVar(&to.dryRun, "dry-run", false, "show the chains and write nothing")
	return cmd
}

// chainsOf downloads the chains of the named instances, many at a time.
func chainsOf(ctx context.Context, h instances, names []string) []caRow {
	rows := make([]caRow, len(names))
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for i, name := range names {
		group.Go(func() error {
			rows[i] = chainOf(ctx, h, name)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	return rows
}

func chainOf(ctx context.Context, h instances, name string) caRow {
	row := caRow{InstanceID: handler.Quoted(name)}
	ref, err := h.named(ctx, name)
	var o handler.Observation
	if err == nil {
		ref, o, err = h.Observe(ctx, ref)
		row.InstanceID, row.RegionID, row.InstanceName = ref.InstanceID, ref.RegionID, o.Name
	}
	if err == nil && o.WithoutTLS() {
		err = handler.Errorf(handler.Unsupported, "this type of instance has no TLS, and so no CA")
	}
	if err == nil {
		row.chain, err = h.api.CAChain(ctx, ref.RegionID, o.CertDownloadURL)
	}
	if err != nil {
		row.Error = handler.AsError(err)
		return row
	}
	row.CA = row.chain.Fingerprint()
	for _, link := range row.chain {
		row.Certificates = append(row.Certificates, certificate{
			Subject: fleetpage.Plain(link.Subject.String()), Issuer: fleetpage.Plain(link.Issuer.String()),
			NotBefore: handler.At(link.NotBefore), NotAfter: handler.At(link.NotAfter), SHA256: cachain.SHA256(link),
		})
	}
	return row
}

// printChains shows each CA once, with its instances.
func (c *command) printChains(rows []caRow) error {
	code := 0
	var failed []handler.Result
	var cas []string
	for _, r := range rows {
		failed = append(failed, handler.Result{Error: r.Error})
		if r.Error != nil {
			code = max(code, r.Error.Kind.ExitCode())
		}
		if r.CA != "" {
			cas = append(cas, r.CA)
		}
	}
	c.nameSource(failed)
	cas = handler.Unique(cas)
	different := ""
	if len(cas) > 1 {
		different = fmt.Sprintf("These instances have %d different CAs. A client that uses several of them must trust each of these CAs.", len(cas))
	}
	if c.output == "json" {
		if err := printJSON(c.Stdout, rows, false); err != nil {
			return err
		}
		if different != "" {
			fmt.Fprintln(c.Stderr, "tairssl: "+different)
		}
	} else {
		fmt.Fprint(c.Stdout, chainsInWords(rows, cas, time.Now()))
		if different != "" {
			fmt.Fprintln(c.Stdout, "\n"+different)
		}
	}
	return ended(code)
}

// chainsInWords is a paragraph for each CA, and one for the instances that have no CA.
func chainsInWords(rows []caRow, cas []string, now time.Time) string {
	var paragraphs []string
	for _, ca := range cas {
		var links, members strings.Builder
		for _, r := range rows {
			if r.CA != ca {
				continue
			}
			links.Reset() // all instances of a CA have the same chain, which is listed once
			for _, link := range r.Certificates {
				fmt.Fprintf(&links, "  %s\n    valid from %s until %s\n    SHA-256 %s\n", link.Subject, link.NotBefore.Format(time.DateOnly), days(link.NotAfter, now), link.SHA256)
			}
			fmt.Fprintf(&members, "  %s: %s\n", r.called(), r.kept())
		}
		paragraphs = append(paragraphs, "CA "+ca+"\n"+links.String()+members.String())
	}
	var b strings.Builder
	for _, r := range rows {
		if r.CA == "" {
			fmt.Fprintf(&b, "%s: %s: %s\n", r.called(), r.Error.Kind, r.Error.Message)
		}
	}
	if b.Len() > 0 {
		paragraphs = append(paragraphs, b.String())
	}
	return strings.Join(paragraphs, "\n")
}

// called is the instance with its name, for people.
func (r caRow) called() string {
	switch {
	case r.RegionID == "": // the instance was not found
		return r.InstanceID
	case r.InstanceName == "" || r.InstanceName == r.InstanceID:
		return r.InstanceID + " (" + r.RegionID + ")"
	}
	return r.InstanceID + " (" + fleetpage.Plain(r.InstanceName) + ", " + r.RegionID + ")"
}
