package chatops

import (
	"sync"

	"tairssl/handler"
)

// inEnglish is made at first use, so that a cold start does not pay for it.
var inEnglish = sync.OnceValue(func() *wording {
	return &wording{
		Verbs: map[string]string{help: help, status: status, approve: approve, "update": "update", "enable": "enable", "disable": "disable", confirm: confirm},

		NotText:              "this message is not text. Send help to see what I understand",
		TooLong:              "this message is too long: the limit is %d bytes. Send help to see what I understand",
		UnknownWord:          "I do not know the word %s. Send help to see what I understand",
		DidYouMean:           "I do not know the word %s. Did you mean %s?",
		NotAnID:              "%s is not an instance id. An instance id looks like r-bp1zxszhcgatnx01",
		ConfirmTakesACode:    "confirm needs the code that I gave you, such as K7Q2-9M4X-TPDW-6HAC",
		TwoRegions:           "this message names two regions, but an instance is in one region",
		NotARegion:           "%s is not a region. Write the region like this: region=cn-hangzhou",
		StatusChangesNothing: "status changes nothing, so it needs no dry-run",
		TakesAnInstance:      "%s needs an instance, for example: %s r-bp1zxszhcgatnx01",
		TooMany:              "this message names %d instances. The limit is %d",

		WrongCode:       "this code is not valid here: I did not give it, or I gave it to another person or in another chat. Ask for the change again",
		LateCode:        "this code is too old: a code is valid for 5 minutes. Ask for the change again",
		SelfCode:        "another person, who may make this change, has to confirm it",
		NoKey:           "changes by chat are switched off: an operator has to set TAIRSSL_CONFIRM_KEY",
		NoHand:          "changes by chat are switched off: this program cannot work on after its answer",
		Pause:           "you sent too many wrong codes. Wait a minute, and then ask for the change again",
		CodeUsed:        "This code was used already.",
		CodeFitsNothing: "nothing was changed: I gave this code to another person or in another chat, or the certificate has changed since then. Send status, or ask for the change again",
		CouldNotLook:    "I could not look for the instance of this code, so nothing was changed. You can use the same code again.",

		WhoAreYou:     "I cannot tell who you are, so you may do nothing here.",
		MayNotSeeAny:  "You may not see any instance here.",
		MayNotSee:     "You may not see %s here.",
		MayNot:        "You may not %s %s here.",
		TooWeak:       "this chat does not prove who sent a message, so only status and an update that is due are possible here. Use Slack, Feishu or WeCom, or the command line",
		TooWeakForTwo: "a change needs a second person (TAIRSSL_CONFIRM_BY=second), and this chat does not prove who sent a message, so only status is possible here. Use Slack, Feishu or WeCom, or the command line",
		AllowInLog:    "An operator can allow it in TAIRSSL_CHAT_ALLOW. The log has your ids.",
		AllowBy:       "An operator can allow it with this rule in TAIRSSL_CHAT_ALLOW:",

		Intro:     "I renew the TLS certificates of Tair instances.",
		Usage:     "INSTANCE",
		ReadsOnly: "Changes by chat are switched off. With dry-run I show what a change would do.",
		AsksBack:  "I ask you to confirm every change before I make it.",
		AddDryRun: "Add dry-run to see what the change would do.",

		Happens: map[string][]string{
			approve:   {"The renewal of its certificate is approved. The renewal happens later, in the maintenance window.", "The instance restarts then: connections drop for some seconds."},
			"update":  {"Its certificate is renewed.", "The instance restarts: connections drop for some seconds.", "Clients that pin the CA must fetch its chain again."},
			"enable":  {"Encryption is switched on.", "The instance restarts: connections drop for some seconds."},
			"disable": {"Encryption is switched OFF: data is sent without encryption.", "On legacy instances it can never be switched on again.", "The instance restarts: connections drop for some seconds."},
		},
		ExpiresNow:     "The present certificate expires: ",
		Why:            "Why: ",
		DryRun:         "This was a dry run: nothing changes.",
		GoOn:           "To go on, send within 5 minutes:",
		SomebodyGoesOn: "Another person, who may make this change, has to send within 5 minutes:",
		Confirm:        "confirm",
		Button:         "Do it",
		ConfirmedBy:    "Confirmed by %s.",

		Panic:             "Something went wrong. Send status before you try again.",
		UnknownEnd:        "I ran out of time. I do not know whether the change was made.",
		RanOut:            "I ran out of time. Nothing was changed. Try again.",
		TakesLonger:       "This takes longer. The answer follows here.",
		CouldNotGoOn:      "I could not work on after this answer: ",
		CouldNotTellStart: "I do not know whether the change was started: ",
		CouldNotStart:     "I could not start the change: ",
		SameCode:          "Nothing was changed. You can use the same code again.",
		Started:           "Started: %s.",
		StartedUnseen:     "Started: I check the code and make the change (%s).",
		TellHere:          " I will report the result here.",
		AskStatus:         "Send status %s in a few minutes to see the result.",
		AskStatusAnyway:   "Send status %s in a few minutes, before you try again.",
		TooLate:           "Too late: you sent this %s ago. Nothing was done.",
		AskAgain:          "Send it again.",
		FewMinutes:        "Send status %s to see the result. To try again, ask for the change again.",

		Outcomes: map[handler.Outcome]string{
			handler.Verified:   "Done.",
			handler.Accepted:   "Accepted: the change takes some minutes. Send status %s to see the result.",
			handler.Unchanged:  "Nothing to do.",
			handler.Planned:    "This would happen.",
			handler.Deferred:   "Deferred: the change happens later.",
			handler.InProgress: "A change is under way, or the instance is busy. Send status %s in a few minutes.",
			handler.Refused:    "Refused.",
			handler.Unknown:    "Unknown: the change may or may not have been made. Send status %s in a few minutes, before you try again.",
			handler.Failed:     "Failed.",
		},
		Approved:          "Approved.",
		Renewed:           "Done: the certificate is renewed. The new certificate is valid until %s. I first saw it at %s.",
		SwitchedOn:        "Done: encryption is on. The certificate is valid until %s. I first saw it at %s.",
		SwitchedOff:       "Done: encryption is off. I first saw this at %s.",
		CertificateBefore: "Certificate before: ",
		Request:           "Request ",

		NoTLS:        "%s: this type of instance has no TLS (%s)",
		Off:          "%s: encryption is off (%s)",
		Until:        "%s: valid until %s, %s",
		Due:          ", renewal due",
		Unapproved:   ", not approved yet",
		WrongName:    ", wrong name in the certificate",
		NoExpiry:     "none",
		In:           "%s (in %s)",
		ExpiredAgo:   "%s (expired %s ago)",
		MoreLater:    "… and %d more that expire later",
		MoreFaults:   "… and %d more errors",
		AndMore:      "%s and %d more",
		NotAll:       "This is NOT all: in the available time I read %d of %d instances in %s. The others may be more urgent.",
		NameThem:     "Name the instances to see them, or run tairssl status --all.",
		NothingToSee: "There is no instance in %s that you may see.",
		CouldNotList: "in the available time, %d of %d instances were read",
		End:          ".",
	}
})
