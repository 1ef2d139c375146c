package doctor

import (
	"fmt"
	"net/http"

	"tairssl/adapters/chatops"
	"tairssl/adapters/notify"
	"tairssl/handler"
)

// notices checks whether the host of each place for notices answers, and with
// Notify whether the place takes a test message. Findings show only the host of a
// URL, because its path may be secret. Without Notify no request has that path.
func (x *examination) notices() []Finding {
	places := x.settings.NotifyURLs.Places()
	if len(places) == 0 {
		return []Finding{skip(Notification, "", "TAIRSSL_NOTIFY_URLS is not set")}
	}
	transport := x.Transport
	if transport == nil {
		transport = notify.NewTransport(x.settings.Roots())
	}
	if x.Notify {
		chats := chatops.NewChat(nil, chatops.ChatOptions{Settings: x.settings.Settings, ReplyHosts: x.settings.ChatReplyHosts, Transport: transport})
		return x.sendTest(notify.New(x.settings.NotifyURLs, notify.Options{Transport: transport, Token: chats.FeishuToken}), places)
	}
	numbered := make([]place, len(places))
	for i, p := range places {
		numbered[i] = place{p, name(i, p)}
	}
	return each(numbered, func(p place) Finding { return x.host(transport, p) })
}

// place is an entry of TAIRSSL_NOTIFY_URLS with the name that findings give it.
type place struct {
	notify.Place
	name string
}

// host checks that the host of a place answers.
func (x *examination) host(transport http.RoundTripper, p place) Finding {
	// The root path is safe; the path of a robot might post a message.
	a, err := ask(x.ctx, transport, http.MethodHead, "https://"+p.Host+"/")
	if err != nil {
		return x.unreached(Notification, p.name, p.Host, err)
	}
	return pass(Notification, p.name, "%s answers, %s; run with --notify to send it a test message", p.Host, secured(a.tls))
}

// sendTest sends a test message to each place.
func (x *examination) sendTest(n *notify.Notifier, places []notify.Place) (findings []Finding) {
	for i, err := range n.Try(x.ctx) {
		on := name(i, places[i])
		switch {
		case err == nil:
			findings = append(findings, pass(Notification, on, "%s took a test message", places[i].Host))
		case x.over() != "":
			findings = append(findings, x.cutShort(Notification, on, x.over()))
		default:
			findings = append(findings, fail(Notification, on, handler.Unavailable, places[i].Host+": "+handler.ClipTo(err.Error(), longest), "correct this entry of TAIRSSL_NOTIFY_URLS, or the settings of the robot at its vendor"))
		}
	}
	return findings
}

// name has the number of the entry, because several entries may be of one vendor.
func name(i int, p notify.Place) string { return fmt.Sprintf("%s, entry %d", p.Vendor, i+1) }
