package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// tokenCodes are those by which a vendor refuses an access token: Feishu's
// 9999166x, DingTalk's and WeCom's 40014 and 42001.
var tokenCodes = []int{99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 40001, 40014, 42001}

// tokenWords are Slack's.
var tokenWords = []string{"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"}

// Taken reads what a chat answers to a message: a status, and a body that may say
// something else (errcode of DingTalk and WeCom, code of Feishu, ok of Slack). A
// body without any of these counts as its status, for a relay may stand between.
// The error wraps [ErrToken] if the access token was refused.
func Taken(status int, body []byte) error {
	var answer struct {
		ErrCode, Code *int
		OK            *bool
		Error         string
		ErrMsg, Msg   string
	}
	_ = json.Unmarshal(body, &answer) // a text is none of these
	code := answer.ErrCode
	if code == nil {
		code = answer.Code
	}
	switch {
	case code != nil && *code != 0:
		return refusedBy(slices.Contains(tokenCodes, *code), "refused with code %d: %s", *code, clip(answer.ErrMsg+answer.Msg, 200))
	case answer.OK != nil && !*answer.OK:
		return refusedBy(slices.Contains(tokenWords, answer.Error), "refused: %s", clip(answer.Error, 200))
	case status != http.StatusOK:
		return refusedBy(status == http.StatusUnauthorized, "answered with status %d", status)
	}
	return nil
}

func refusedBy(token bool, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if token {
		return fmt.Errorf("%w (%w)", err, ErrToken)
	}
	return err
}
