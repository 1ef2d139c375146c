package chatops

import (
	"sync"

	"tairssl/handler"
)

// inEnglish is made at first use, so that a cold start does not pay for it.
var inEnglish = sync.OnceValue(func() *wording {
	return &wording{
		Verbs: map[string]string{help: help, status: status, approve: approve, "update": "update", "enable": "enable", "disable": "disable", confirm: confirm},

		NotText:              "that is not text. Say help for what I understand",
		TooLong:              "that is too long: at most %d characters. Say help for what I understand",
		UnknownWord:          "%s is not a word that I know. Say help for what I understand",
		DidYouMean:           "%s is not a word that I know: did you mean %s?",
		NotAnID:              "%s is not an instance id such as r-bp1zxszhcgatnx01",
		ConfirmTakesACode:    "confirm takes the one code that I gave, such as K7Q2-9M4X-TPDW-6HAC",
		TwoRegions:           "that is two regions, and an instance is in one",
		NotARegion:           "%s is not a region such as region=cn-hangzhou",
		StatusChangesNothing: "status changes nothing, so it takes no dry-run",
		TakesAnInstance:      "%s takes an instance: %s r-bp1zxszhcgatnx01",
		TooMany:              "that is %d instances; at most %d at once",

		WrongCode:       "that code is not one of mine, or was given to somebody else or elsewhere. Ask for the change again",
		LateCode:        "that code is too old: it holds for 5 minutes. Ask for the change again",
		SelfCode:        "somebody else has to confirm this, with the right to do it",
		NoKey:           "changes by chat are switched off: an operator has to set TAIRSSL_CONFIRM_KEY",
		NoHand:          "changes by chat are switched off: nothing here can go on after the answer",
		Pause:           "too many wrong codes. Wait a minute, then ask for the change again",
		CodeUsed:        "That code was used already.",
		CodeFitsNothing: "nothing was changed: that code was given to somebody else or elsewhere, or the certificate has changed since. Ask for status, or for the change again",
		CouldNotLook:    "I could not look for the instance of that code, so nothing was changed. The same code can be used again.",

		WhoAreYou:     "I cannot tell who you are, so you may do nothing here.",
		MayNotSeeAny:  "You may not see any instance here.",
		MayNotSee:     "You may not see %s here.",
		MayNot:        "You may not %s %s here.",
		TooWeak:       "this chat proves too little of who speaks: only status and an update that is due are possible here. Use Slack, Feishu or WeCom, or the command line",
		TooWeakForTwo: "a change needs a second person (TAIRSSL_CONFIRM_BY=second), and this chat proves too little of who speaks for that: only status is possible here. Use Slack, Feishu or WeCom, or the command line",
		AllowInLog:    "An operator can allow it in TAIRSSL_CHAT_ALLOW; the log has your ids.",
		AllowBy:       "An operator can allow it in TAIRSSL_CHAT_ALLOW:",

		Intro:     "I renew the TLS certificates of Tair instances.",
		Usage:     "INSTANCE",
		ReadsOnly: "Changes by chat are switched off; dry-run shows what one would do.",
		AsksBack:  "Every change asks back before it is made.",
		AddDryRun: "Add dry-run to see what it would do.",

		Happens: map[string][]string{
			approve:   {"Its renewal is approved. It happens later, in the maintenance window.", "The instance restarts then: connections drop for some seconds."},
			"update":  {"Its certificate is renewed.", "The instance restarts: connections drop for some seconds.", "Clients that pin the CA must fetch its chain again."},
			"enable":  {"Encryption is switched on.", "The instance restarts: connections drop for some seconds."},
			"disable": {"Encryption is switched OFF: data goes in the clear.", "On legacy instances it can never be switched on again.", "The instance restarts: connections drop for some seconds."},
		},
		ExpiresNow:     "Certificate expires now: ",
		Why:            "Why: ",
		DryRun:         "This was a dry run: nothing changes.",
		GoOn:           "To go on, say within 5 minutes:",
		SomebodyGoesOn: "Somebody else with the right to do it has to say, within 5 minutes:",
		Confirm:        "confirm",
		Button:         "Do it",
		ConfirmedBy:    "Confirmed by %s.",

		Panic:             "Something went wrong. Ask status before you try again.",
		UnknownEnd:        "I ran out of time: unknown what came of it.",
		RanOut:            "I ran out of time. Nothing was changed; try again.",
		TakesLonger:       "This takes longer; the answer follows here.",
		CouldNotGoOn:      "I could not go on after this answer: ",
		CouldNotTellStart: "I cannot tell whether this was started: ",
		CouldNotStart:     "I could not start this: ",
		SameCode:          "Nothing was changed. The same code can be used again.",
		Started:           "Started: %s.",
		StartedUnseen:     "Started: I check the code and make the change (%s).",
		TellHere:          " I will tell here how it ends.",
		AskStatus:         "Ask status %s in a few minutes for how it ended.",
		AskStatusAnyway:   "Ask status %s in a few minutes, before you try again.",
		TooLate:           "Too late: you said this %s ago, and nothing was done.",
		AskAgain:          "Ask for it again.",
		FewMinutes:        "Ask status %s for how it went. To try again, ask for the change again.",

		Outcomes: map[handler.Outcome]string{
			handler.Verified:   "Done.",
			handler.Accepted:   "Accepted: it takes some minutes. Ask status %s to see it.",
			handler.Unchanged:  "Nothing to do.",
			handler.Planned:    "This would happen.",
			handler.Deferred:   "Later.",
			handler.InProgress: "It is being changed, or busy. Ask status %s in some minutes.",
			handler.Refused:    "Refused.",
			handler.Unknown:    "Unknown: it may have happened or not. Ask status %s in some minutes before you try again.",
			handler.Failed:     "That failed.",
		},
		Approved:          "Approved.",
		Renewed:           "Done: renewed; the new certificate is valid until %s; first seen at %s.",
		SwitchedOn:        "Done: encryption is on; the certificate is valid until %s; first seen at %s.",
		SwitchedOff:       "Done: encryption is off; first seen at %s.",
		CertificateBefore: "Certificate before: ",
		Request:           "Request ",

		NoTLS:        "%s: this type of instance has no TLS (%s)",
		Off:          "%s: encryption is off (%s)",
		Until:        "%s: until %s, %s",
		Due:          ", due",
		Unapproved:   ", not approved yet",
		WrongName:    ", wrong name",
		NoExpiry:     "none",
		In:           "%s (in %s)",
		ExpiredAgo:   "%s (expired %s ago)",
		MoreLater:    "… and %d more that expire later",
		MoreFaults:   "… and %d more faults",
		AndMore:      "%s and %d more",
		NotAll:       "This is NOT all: in the time I had I saw %d of %d in %s. Others may be more urgent.",
		NameThem:     "Name the instances to see them, or run tairssl status --all.",
		NothingToSee: "There is no instance in %s that you may see.",
		CouldNotList: "in the time there was, %d of %d instances were read",
		End:          ".",
	}
})
