package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"tairssl/handler"
)

// Codes and words of the vendors that say more than that a message was refused.
var (
	// tokenCodes refuse an access token: Feishu's 9999166x, DingTalk's and WeCom's
	// 40014 and 42001.
	tokenCodes = []int{99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 40001, 40014, 42001}
	// busyCodes say that there are too many messages, or that the vendor is not well.
	// Most come with status 200: DingTalk's 130101 and 410100, WeCom's 45009 and 45033,
	// Feishu's 9499, 11232, 230020 and 99991400, and -1 of the first two.
	busyCodes  = []int{-1, 130101, 130102, 410100, 45009, 45033, 9499, 11232, 230020, 99991400}
	tokenWords = []string{"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"} // Slack's
	busyWords  = []string{"ratelimited", "rate_limited", "internal_error", "service_unavailable"}
)

// said is what a vendor says in the body of an answer: DingTalk and WeCom in errcode,
// Feishu in code or, in an older form, StatusCode, Slack in ok.
type said struct {
	ErrCode, Code, StatusCode *int
	OK                        *bool
	Error                     string
	ErrMsg, Msg               string
}

// code is the vendor's own; nil for none.
func (s said) code() *int {
	if s.ErrCode != nil {
		return s.ErrCode
	}
	return s.Code
}

// refused is the error of a code.
func (s said) refused(code int) error {
	return kindOf(slices.Contains(tokenCodes, code), slices.Contains(busyCodes, code), "refused with code %d: %s", code, handler.ClipText(s.ErrMsg+s.Msg))
}

func kindOf(token, busy bool, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	switch {
	case token:
		return fmt.Errorf("%w (%w)", err, ErrToken)
	case busy:
		return fmt.Errorf("%w (%w)", err, ErrBusy)
	}
	return err
}

func isSuccess(status int) bool {
	return status >= http.StatusOK && status < http.StatusMultipleChoices
}

// Taken reads what a chat answers to a message: a status, and a body that may say
// something else. A body without any of this counts as its status, for a relay may
// stand between. The error wraps [ErrToken] or [ErrBusy] if it is one of these.
func Taken(status int, body []byte) error {
	var s said
	_ = json.Unmarshal(body, &s) // a text says nothing
	switch code := s.code(); {
	case code != nil && *code != 0:
		return s.refused(*code)
	case s.OK != nil && !*s.OK:
		return kindOf(slices.Contains(tokenWords, s.Error), slices.Contains(busyWords, s.Error), "refused: %s", handler.ClipText(s.Error))
	case !isSuccess(status):
		return kindOf(status == http.StatusUnauthorized, false, "answered with status %d", status)
	}
	return nil
}

// coded reads the answer of a vendor that says in the body of a 200 whether it took
// a message. fixes is what to do about some codes.
func coded(fixes map[int]string) func(int, []byte) error {
	return func(status int, body []byte) error {
		var s said
		err := json.Unmarshal(body, &s)
		code := s.code()
		if code == nil {
			code = s.StatusCode
		}
		switch {
		case err != nil || code == nil:
			return fmt.Errorf("status %d, and an answer without a code: look whether something stands between, a proxy for one", status)
		case *code != 0 && fixes[*code] != "":
			return fmt.Errorf("%w: %s", s.refused(*code), fixes[*code])
		case *code != 0:
			return s.refused(*code)
		case status != http.StatusOK:
			return fmt.Errorf("status %d", status)
		}
		return nil
	}
}
