package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"tairssl/handler"
)

// The vendors' codes and words that say why a message was refused.
var (
	// tokenCodes mean that the access token was refused: 9999166x of Feishu, 40014 and
	// 42001 of DingTalk and WeCom.
	tokenCodes = []int{99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 40001, 40014, 42001}
	// busyCodes mean that there are too many messages, or that the vendor has a fault.
	// Most come with status 200: 130101 and 410100 of DingTalk, 45009 and 45033 of WeCom,
	// -1 of both, and 9499, 11232, 230020 and 99991400 of Feishu.
	busyCodes  = []int{-1, 130101, 130102, 410100, 45009, 45033, 9499, 11232, 230020, 99991400}
	tokenWords = []string{"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"} // Slack's words
	busyWords  = []string{"ratelimited", "rate_limited", "internal_error", "service_unavailable"}
)

// said is a vendor's own result in the body of an answer: errcode of DingTalk and WeCom,
// code of Feishu (StatusCode in an older form), ok of Slack.
type said struct {
	ErrCode, Code, StatusCode *int
	OK                        *bool
	Error                     string
	ErrMsg, Msg               string
}

// code is the vendor's own result code; nil if the answer has no code.
func (s said) code() *int {
	if s.ErrCode != nil {
		return s.ErrCode
	}
	return s.Code
}

// refused is the error for a code.
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

// Taken reads a chat's answer to a message: its status, and the vendor's own result in
// its body. Without such a result, the status counts, because a relay may answer in place
// of the vendor. The error wraps [ErrToken] if the access token was refused, and
// [ErrBusy] if a later try may succeed.
func Taken(status int, body []byte) error {
	var s said
	_ = json.Unmarshal(body, &s) // a plain text has no result
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

// coded reads the answer of a vendor that reports its result in the body of a 200. fixes
// gives the remedy for some codes.
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
			return fmt.Errorf("status %d, and the answer has no result code: check whether a proxy answered instead of the vendor", status)
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
