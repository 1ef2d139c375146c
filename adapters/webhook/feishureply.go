package webhook

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tairssl/adapters/chatops"
)

// feishuReplies reports whether messages in Feishu can be answered: that takes
// the app's own credentials.
func (h *Handler) feishuReplies() bool { return h.Feishu.AppID != "" && h.Feishu.AppSecret != "" }

// feishuAddress is where a message can be answered: its id.
func (h *Handler) feishuAddress(messageID string) chatops.Address {
	if !h.feishuReplies() || len(messageID) > maxAddress {
		return ""
	}
	return chatops.Address(messageID)
}

// feishuHost is the open platform that the app is at home on: the one of them that
// the operator named, else the one in China. The app's secret is shown to no other.
func (h *Handler) feishuHost() string {
	for _, host := range h.Chat.ReplyHosts {
		if name, _, _ := strings.Cut(host, ":"); slices.Contains(replyHosts["feishu"], name) {
			return host
		}
	}
	return replyHosts["feishu"][0]
}

// larkToken keeps the access token of the app until shortly before it ends.
type larkToken struct {
	mu    sync.Mutex
	token string
	ends  time.Time
}

// larkReply answers a message by the open platform, which shows nobody the body
// that answers an event.
func (h *Handler) larkReply(ctx context.Context, messageID string, r chatops.Reply) error {
	host := h.feishuHost()
	token, err := h.larkAccess(ctx, host)
	if err != nil {
		return err
	}
	var result struct{ Code int }
	if err := h.post(ctx, "feishu", "https://"+host+"/open-apis/im/v1/messages/"+url.PathEscape(messageID)+"/reply", token, larkAnswer(r), &result); err != nil {
		h.lark.forget(token)
		return err
	}
	if result.Code != 0 {
		h.lark.forget(token)
		return errors.New("the open platform refused the reply: code " + strconv.Itoa(result.Code))
	}
	return nil
}

// forget drops a token that may be the reason why a reply failed: another app
// secret ends it before its time.
func (t *larkToken) forget(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token, t.ends = "", time.Time{}
	}
}

func (h *Handler) larkAccess(ctx context.Context, host string) (string, error) {
	h.lark.mu.Lock()
	defer h.lark.mu.Unlock()
	if h.Now().Before(h.lark.ends) {
		return h.lark.token, nil
	}
	var result struct {
		Code              int
		TenantAccessToken string `json:"tenant_access_token"`
		Expire            int    // seconds
	}
	request := map[string]string{"app_id": h.Feishu.AppID, "app_secret": h.Feishu.AppSecret}
	if err := h.post(ctx, "feishu", "https://"+host+"/open-apis/auth/v3/tenant_access_token/internal", "", request, &result); err != nil {
		return "", err
	}
	if result.Code != 0 || result.TenantAccessToken == "" {
		return "", errors.New("the open platform gave no access token: check TAIRSSL_FEISHU_APP_ID and TAIRSSL_FEISHU_APP_SECRET, and for an app of Lark put open.larksuite.com into TAIRSSL_CHAT_REPLY_HOSTS; code " + strconv.Itoa(result.Code))
	}
	h.lark.token, h.lark.ends = result.TenantAccessToken, h.Now().Add(time.Duration(result.Expire)*time.Second-5*time.Minute)
	return h.lark.token, nil
}
