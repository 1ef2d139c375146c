package doctor

import (
	"fmt"
	"net/http"
	"sync"

	"tairssl/adapters/chatops"
	"tairssl/adapters/notify"
	"tairssl/handler"
)

// notices asks whether the places can be reached where people are told, and
// with Notify whether they take a message. Of their URLs the host alone is
// shown, and without Notify nothing else is asked for.
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
	findings := make([]Finding, len(places))
	var all sync.WaitGroup
	for i, p := range places {
		all.Go(func() {
			on := name(i, p)
			// To the root of the host: a robot's own path would take a message.
			a, err := ask(x.ctx, transport, http.MethodHead, "https://"+p.Host+"/")
			if err != nil {
				findings[i] = x.unreached(Notification, on, p.Host, err)
				return
			}
			findings[i] = pass(Notification, on, "%s answers, %s; whether it takes a message shows --notify", p.Host, secured(a.tls))
		})
	}
	all.Wait()
	return findings
}

func (x *examination) sendTest(n *notify.Notifier, places []notify.Place) (findings []Finding) {
	for i, err := range n.Try(x.ctx) {
		on := name(i, places[i])
		switch {
		case err == nil:
			findings = append(findings, pass(Notification, on, "%s took a test message", places[i].Host))
		case x.over() != "":
			findings = append(findings, x.cutShort(Notification, on, x.over()))
		default:
			findings = append(findings, fail(Notification, on, handler.Unavailable, places[i].Host+": "+handler.ClipTo(err.Error(), longest), "check this entry of TAIRSSL_NOTIFY_URLS, and the robot at its vendor"))
		}
	}
	return findings
}

// name tells the entries of the setting apart, of which several may be of one
// vendor.
func name(i int, p notify.Place) string { return fmt.Sprintf("%s, entry %d", p.Vendor, i+1) }
