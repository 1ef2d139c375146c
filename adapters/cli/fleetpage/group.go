package fleetpage

// Group is the state of an instance by which its row is grouped. The zero value is
// [Unreadable], because then nothing is known about the instance.
type Group int

// The groups. The page shows them in the order of [order].
const (
	Unreadable   Group = iota // the API did not say enough
	Expired                   // the certificate has expired
	TooLate                   // the rules allow no renewal at least a day before the expiry
	WrongName                 // the certificate is not for the endpoint
	Due                       // the next sweep renews it
	Waiting                   // due, but a rule holds the renewal back
	OptedOut                  // a tag of its owner forbids unattended changes
	Stopped                   // the instance does not run
	NoEncryption              // encryption is off
	NoTLS                     // this type of instance has no TLS
	Fine                      // not due
)

// order is the order of the groups on the page. Groups that need a person come
// first.
var order = [...]Group{Expired, TooLate, Unreadable, WrongName, Due, Waiting, OptedOut, Stopped, NoEncryption, NoTLS, Fine}

// groups is the text of each group. person completes the sentence "3 instances …"
// and is set only if every instance of the group needs a person.
var groups = [...]struct{ id, word, person, note string }{
	Expired: {"expired", "Expired", "expired",
		"Clients that check certificates cannot connect. Renew these now. An update restarts the instance."},
	TooLate: {"late", "Cannot be renewed in time", "cannot be renewed in time",
		"The rules allow no renewal a day or more before the expiry. Renew these by hand. An update restarts the instance."},
	Unreadable: {"unreadable", "Could not be read", "could not be read",
		"The state of these certificates is unknown. Do what the message says, then read them again."},
	WrongName: {"wrong-name", "Wrong name", "with a wrong name",
		"The certificate is not for the endpoint of its instance, so clients that check names cannot connect. An update may correct the name. It restarts the instance."},
	Due:          {"due", "Due", "", "The next sweep renews these, unless a row says otherwise."},
	Waiting:      {"waiting", "Waiting", "", "Due, but a rule holds them back: the maintenance window, a freeze, an approval, Alibaba's own schedule, or a new CA. Each row names the rule."},
	OptedOut:     {"opted-out", "Opted out", "", "The tag tairssl=off forbids unattended changes. Their owners renew these."},
	Stopped:      {"stopped", "Not running", "", "An instance that does not run is not renewed."},
	NoEncryption: {"no-encryption", "No encryption", "", "Encryption is off. Enabling it restarts the instance."},
	NoTLS:        {"no-tls", "No TLS", "", "These types of instance have no TLS."},
	Fine:         {"fine", "Fine", "", "Not due yet."},
}

// ID is the name of the group in links and styles.
func (g Group) ID() string { return groups[g].id }

// Word is the name of the group for people.
func (g Group) Word() string { return groups[g].word }

// Note explains the group.
func (g Group) Note() string { return groups[g].note }

// needsPerson reports whether every instance of the group needs a person.
func (g Group) needsPerson() bool { return groups[g].person != "" }
