package fleetpage

// Group is the one state by which a row is grouped. The zero value is
// [Unreadable]: nothing is known of the instance.
type Group int

// The groups. [order] says in which order the page has them.
const (
	Unreadable   Group = iota // the API did not say enough
	Expired                   // the certificate has expired
	TooLate                   // the rules allow no renewal a day before the certificate expires
	WrongName                 // the certificate is not for the endpoint
	Due                       // the next sweep renews it
	Waiting                   // due, but a rule holds it back
	OptedOut                  // its owner keeps unattended changes away
	Stopped                   // the instance does not run
	NoEncryption              // encryption is off
	NoTLS                     // this type of instance has no TLS
	Fine                      // not due
)

// order is that of the groups on the page: what needs a person comes first.
var order = [...]Group{Expired, TooLate, Unreadable, WrongName, Due, Waiting, OptedOut, Stopped, NoEncryption, NoTLS, Fine}

// groups says what each group is called, and what a reader should know of it.
var groups = [...]struct {
	id, word, note string
	needsPerson    bool   // each instance of the group does
	inSentence     string // after a number; of groups that need a person
}{
	Expired: {id: "expired", word: "Expired", needsPerson: true, inSentence: "expired",
		note: "Clients that check certificates cannot connect. An update restarts the instance."},
	TooLate: {id: "late", word: "Cannot be renewed in time", needsPerson: true, inSentence: "cannot be renewed in time",
		note: "The rules allow no renewal a day or more before the expiry. Renew these by hand. An update restarts the instance."},
	Unreadable: {id: "unreadable", word: "Could not be read", needsPerson: true, inSentence: "could not be read",
		note: "Nothing is known of these certificates. Do what the message says, then look again."},
	WrongName: {id: "wrong-name", word: "Wrong name", needsPerson: true, inSentence: "with a wrong name",
		note: "The certificate is not for the endpoint of its instance, so clients that check names cannot connect. An update may cure that. It restarts the instance."},
	Due: {id: "due", word: "Due",
		note: "The next sweep renews these, unless a row says otherwise."},
	Waiting: {id: "waiting", word: "Waiting",
		note: "Due, but a rule holds them back: their maintenance window, a freeze, an approval, Alibaba's own schedule, or a new CA. Each row names the rule."},
	OptedOut: {id: "opted-out", word: "Opted out",
		note: "The tag tairssl=off keeps unattended changes away. Their owners renew these."},
	Stopped: {id: "stopped", word: "Not running",
		note: "Nothing is renewed while an instance does not run."},
	NoEncryption: {id: "no-encryption", word: "No encryption",
		note: "Encryption is off. Enabling it restarts the instance."},
	NoTLS: {id: "no-tls", word: "No TLS",
		note: "These types of instance have no TLS."},
	Fine: {id: "fine", word: "Fine",
		note: "Not due yet."},
}

// ID names the group in links and styles.
func (g Group) ID() string { return groups[g].id }

// Word is the name of the group.
func (g Group) Word() string { return groups[g].word }

// Note tells the reader what to know of the group.
func (g Group) Note() string { return groups[g].note }
