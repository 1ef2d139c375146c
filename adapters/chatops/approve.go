package chatops

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"tairssl/adapters/notify"
	"tairssl/handler"
)

// approve is the verb for approving the next renewal of an instance, which then happens
// in the maintenance window; see [handler.Approval]. With --now it means update.
const approve = "approve"

// who is the name of the message's sender in the tag of an approval.
func (m Message) who() string { return m.Platform + ":" + m.User }

// A notice about a renewal that waits for an approval has a button, if the platform
// supports buttons. The button sends an invitation: the plan that the notice shows,
// encrypted like handed work, but under another label. The invitation belongs to no
// person, because everyone who reads the notice sees the button. It is valid until the
// certificate ends. The person who presses the button needs the right to approve, and the
// press is the confirmation. If a second person has to confirm, the press asks for the
// plan, as the command does.
const invitationData = "tairssl: an invitation to approve, 1"

// maxInvitation is the greatest length of the value that a button sends. Slack's limit is
// 2000 characters.
const maxInvitation = 2000

type invitation struct {
	Platform string
	plan
}

// Invitations gives the buttons for a notice about a renewal that waits for an approval,
// by platform. It is nil if no chat can take an approval.
func (c *Chat) Invitations(r handler.Result) map[string]notify.Button {
	if r.Rule != handler.RuleApproval || r.Before == nil || c.bot.readsOnly() != nil {
		return nil
	}
	all := map[string]notify.Button{}
	shown := plan{Verb: approve, Instance: r.InstanceID, Region: r.RegionID, Expires: r.Before.SSLExpiredTime}
	for _, p := range c.own {
		if !p.buttons || len(p.schemes(c.Settings)) == 0 {
			continue
		}
		// Without a button, the notice says how to approve.
		if value, err := c.bot.invite(invitation{p.Name, shown}); err == nil {
			all[p.Name] = notify.Button{Action: approve, Value: value}
		}
	}
	return all
}

func (b *Bot) invite(i invitation) (string, error) {
	aead, err := sealer(b.Key)
	if err != nil {
		return "", err
	}
	value := base64.RawURLEncoding.EncodeToString(aead.Seal(nil, nil, handler.JSON(i), []byte(invitationData)))
	if len(value) > maxInvitation {
		return "", handler.Errorf(handler.Invalid, "the invitation is too long")
	}
	return value, nil
}

// invited decrypts the invitation that a button sent.
func (b *Bot) invited(m Message) (p plan, fault *badCode) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(m.Invitation)
	if err != nil || len(sealed) == 0 || len(m.Invitation) > maxInvitation || len(b.Key) == 0 {
		return plan{}, errCode
	}
	aead, err := sealer(b.Key)
	if err != nil {
		return plan{}, errCode
	}
	opened, err := aead.Open(nil, nil, sealed, []byte(invitationData))
	var i invitation
	if err != nil || json.Unmarshal(opened, &i) != nil || i.Platform != m.Platform || i.Verb != approve {
		return plan{}, errCode
	}
	return i.plan, nil
}

// press turns the press of a notice's button into a command: a confirmation of the plan,
// or a plan for another person to confirm.
func (b *Bot) press(m Message) (c Command, t ticket, fault *badCode) {
	p, fault := b.invited(m)
	if fault != nil {
		return Command{Verb: confirm}, t, fault
	}
	c = Command{Verb: approve, Instances: []string{p.Instance}, Region: p.Region}
	if b.Second {
		return c, t, nil
	}
	c.Verb = confirm
	text := strings.Join([]string{"invitation", m.who(), p.Region, p.Instance, seconds(p.Expires.Time)}, " ")
	return c, ticket{coder: b.coder(), text: text, from: m, verb: approve, plan: &p}, nil
}

// understandPress is [Bot.understand] for the button of a notice.
func (b *Bot) understandPress(m Message, a *audit) (c Command, t ticket, err error) {
	why := b.readsOnly()
	if why == nil {
		var fault *badCode
		if c, t, fault = b.press(m); fault != nil {
			why, a.wrong = fault.of, true
		}
	}
	a.verb, a.instances, a.region = c.Verb, c.Instances, c.Region
	if why != nil {
		a.verb, a.outcome, a.why = approve, handler.Refused, why(inEnglish())
		return c, t, c.wording().err(why(c.wording()))
	}
	if c.Verb == confirm {
		a.verb = confirm + " " + t.verb
	}
	return c, t, nil
}
