// Package fleetpage writes the certificates of a fleet as one page of HTML. The page
// shows the instances that need a person, the next renewals, and the reason for the time
// of each renewal.
//
// A [Page] holds one [Row] for each instance. Each row is in one [Group], and its
// [Renewal] says when the certificate will be renewed and which [Rule] decides
// that time. The package only shows a Page. It decides nothing about certificates,
// and reads neither the clock nor the network.
//
// The file needs no other file: it contains page.css and page.js. Its content
// security policy allows only these two, and no network. People can read the page
// without its script. The script adds a filter, sorting, and buttons that copy
// commands.
package fleetpage

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"time"
)

// Page is a fleet at one moment.
type Page struct {
	Generated   time.Time     // "now" for everything on the page
	RenewBefore time.Duration // how long before its expiry a certificate is due
	Regions     []string      // the regions that were read
	Unread      []string      // one message for each region that could not be read
	Empty       []string      // the regions that were read and have no instance
	Freezes     []Span        // the times in which nothing is renewed unattended
	Rows        []Row
	Again       string // the command that writes the page again
	// Zone is the time zone of every time on the page; nil means UTC.
	Zone *time.Location
}

// Span is the time from From until before To.
type Span struct{ From, To time.Time }

// Row is one instance. A zero time means that there is no such time.
type Row struct {
	ID, Name, Region string // the name may be empty, or the id
	Group            Group
	Expires          time.Time // of the certificate
	Renewal          Renewal
	Why              string   // the reason or the error, as a sentence
	Facts            []Fact   // shown when the reader opens the details
	Commands         []string // complete lines for a shell, the most useful first
}

// Renewal says when a certificate will be renewed, and which rule decides the time.
// With a rule but no time, the rule holds the renewal back until a person acts.
type Renewal struct {
	At   time.Time
	Rule Rule
}

// Fact is a detail of an instance, such as its maintenance window or the
// certificate that it serves.
type Fact struct{ Name, Value string }

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string

	pageTemplate = template.Must(template.New("page.html").Parse(pageHTML))

	// policy allows a browser to use only the styles and the script in the page.
	policy = "default-src 'none'; style-src " + hash(pageCSS) + "; script-src " + hash(pageJS) + "; base-uri 'none'; form-action 'none'"
)

// hash names a text in the form that a content security policy uses.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes the page to w with one call. If the page cannot be rendered, it
// writes nothing.
func Write(w io.Writer, p Page) error {
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, p.view()); err != nil {
		return err
	}
	_, err := page.WriteTo(w)
	return err
}
