// Package notify tells people about their certificates, in the chat that they read:
// Slack, DingTalk, Feishu, WeCom, Teams, Mattermost, or through their own webhook.
// [Sender] sends messages, and answers in chats as well. It reads each vendor's own
// errors and tries again where that can help.
//
// A [Notifier] takes the [Note]s of one invocation and sends at most one message to each
// of its [URLs]. A pure function over the note, the earlier notices and the time decides
// what to send:
//
//   - a failure, an unknown outcome, the refusal of an automatic change, and
//     everything that asks for attention, once for a certificate;
//   - a deferred change, once, with the time at which it will happen;
//   - a success, if [On] lists it, with the address of the new CA chain;
//   - a certificate that is due and still not renewed: 30, 14, 7 and 1 days
//     before it expires, and when it has expired;
//   - in the last week, a change that still fails, once a day;
//   - an instance that is opted out and due, once a week.
//
// A result without a change is never reported.
//
// Notices are remembered like the lease, in a tag of the instance ([ToldTag]), together
// with the expiry of the certificate. So the notices about a new certificate start again,
// and every process and cloud has the same memory. A notice without a certificate is sent at most
// once an hour by one process.
//
// A notice never makes a change fail, and delays it only by some seconds. A notice that
// cannot be sent is logged, and the next run sends it. If only one place does not take
// it, it is kept for the next message to that place, as long as the process lives.
//
// This package has its own senders, because no library has them all: shoutrrr knows
// neither DingTalk nor Feishu nor WeCom and would make the function a quarter larger.
// nikoksr/notify has no WeCom robots, and its DingTalk sender takes no context.
package notify
