// Package notify tells people what became of their certificates, in the chat
// they read: Slack, DingTalk, Feishu, WeCom, Teams, Mattermost, or a webhook of
// their own. [Sender] sends messages, and answers in chats as well: it reads each
// vendor's own error, and tries again as far as that may help.
//
// A [Notifier] takes the [Note]s of one invocation and sends at most one
// message to each of its [URLs] that wants them. What is told is a pure decision over a note,
// what was told before and the time:
//
//   - a failure, an unknown outcome, the refusal of an automatic change and
//     whatever asks for attention, once for one certificate;
//   - a deferred change, once, with the time at which it will happen;
//   - a success where [On] names it, with where to fetch the CA chain again;
//   - a certificate that is due and still not renewed, once 30, 14, 7 and 1
//     days before it expires and once when it has;
//   - in the last week a change that still fails, once a day;
//   - an instance that was opted out and is due, once a week.
//
// What changed nothing is never told.
//
// What was told is remembered where the lease is, in a tag of the instance
// ([ToldTag]), together with the expiry it was told for: a new certificate
// starts afresh, and every process and cloud sees the same memory. What has no
// certificate to remember it by is told at most once an hour by one process.
//
// Nothing here fails a change or delays it by more than some seconds: what can
// not be sent is logged, and told by the next run. What only one place did not take
// is kept for its next message, as long as the process lives.
//
// The senders are written here: of the libraries, shoutrrr speaks neither
// DingTalk nor Feishu nor WeCom and makes the function a quarter larger, and
// nikoksr/notify has no WeCom robots and sends to DingTalk without a context.
package notify
