package chatops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
)

// encodeFeishu answers a card's button with a note, and with a new card if the button is
// used up. The answer to a message is not in the body; see feishuLater.
func encodeFeishu(_ *Chat, q webhook.Request, h heard, r Reply) {
	if !h.pressed {
		answer(q, feishuAnswer(r))
		return
	}
	body := feishuToast("info", strings.Join(r.Lines, "\n"))
	if r.Decided != "" {
		body["card"] = map[string]any{"type": "raw", "data": feishuCard(r)}
	}
	answer(q, body)
}

func feishuToast(kind, text string) map[string]any {
	return map[string]any{"toast": map[string]string{"type": kind, "content": text}}
}

// feishuReplies reports whether the bot can send messages in Feishu. For this it needs
// the app's own credentials.
func (s FeishuSettings) feishuReplies() bool { return s.FeishuAppID != "" && s.FeishuAppSecret != "" }

// feishuAddress is the address for an answer to a message: the message's id.
func (c *Chat) feishuAddress(messageID string) Address {
	if !c.Settings.feishuReplies() || len(messageID) > maxAddress {
		return ""
	}
	return Address(messageID)
}

// feishuHost is the host of the app's open platform. It is the host in the settings, or
// by default the host in China. The app's secret is sent to no other host.
func (c *Chat) feishuHost(p *Platform) string {
	for _, host := range c.ReplyHosts {
		if name, _, _ := strings.Cut(host, ":"); slices.Contains(p.hosts, name) {
			return host
		}
	}
	return p.hosts[0]
}

// feishuLater answers a message through the open platform, because Feishu does not show
// the body of the HTTP response to an event.
func feishuLater(c *Chat, p *Platform, messageID Address, r Reply) (notify.Send, error) {
	host := c.feishuHost(p)
	target := "https://" + host + "/open-apis/im/v1/messages/" + url.PathEscape(string(messageID)) + "/reply"
	return notify.Send{
		Accepted: notify.Taken,
		Make: func(ctx context.Context, renew bool) (notify.Post, error) {
			token, err := c.tokens.get(ctx, p.Name, c.Now(), renew, func(ctx context.Context) (string, time.Duration, error) {
				return c.feishuAccess(ctx, p, host)
			})
			if err != nil {
				return notify.Post{}, err
			}
			return c.postJSON(p, target, token, feishuAnswer(r))
		},
	}, nil
}

// FeishuToken returns an access token of the app, for a notice that its bot sends to a
// host. The app's secret is only sent to the app's own open platform.
func (c *Chat) FeishuToken(ctx context.Context, host string, renew bool) (string, error) {
	home := c.feishuHost(&feishu)
	switch {
	case !c.Settings.feishuReplies():
		return "", errors.New("TAIRSSL_FEISHU_APP_ID or TAIRSSL_FEISHU_APP_SECRET is missing")
	case host != home:
		return "", fmt.Errorf("the app belongs to %s: use that host in TAIRSSL_NOTIFY_URLS, or put %s into TAIRSSL_CHAT_REPLY_HOSTS", home, host)
	}
	return c.tokens.get(ctx, feishu.Name, c.Now(), renew, func(ctx context.Context) (string, time.Duration, error) {
		return c.feishuAccess(ctx, &feishu, host)
	})
}

// feishuAccess gets an access token of the app.
func (c *Chat) feishuAccess(ctx context.Context, p *Platform, host string) (token string, life time.Duration, err error) {
	s := c.Settings.FeishuSettings
	post, err := c.postJSON(p, "https://"+host+"/open-apis/auth/v3/tenant_access_token/internal", "",
		map[string]string{"app_id": s.FeishuAppID, "app_secret": string(s.FeishuAppSecret)})
	if err != nil {
		return "", 0, err
	}
	post.Secrets = []string{string(s.FeishuAppSecret)}
	var result struct {
		TenantAccessToken string `json:"tenant_access_token"`
		Expire            int    // in seconds
	}
	err = c.ask(ctx, post, func(body []byte) error { return json.Unmarshal(body, &result) })
	if err == nil && result.TenantAccessToken == "" {
		err = errors.New("the answer contains no token")
	}
	if err != nil {
		return "", 0, fmt.Errorf("the open platform gave no access token: check TAIRSSL_FEISHU_APP_ID and TAIRSSL_FEISHU_APP_SECRET, and for an app of Lark put open.larksuite.com into TAIRSSL_CHAT_REPLY_HOSTS: %w", err)
	}
	return result.TenantAccessToken, time.Duration(result.Expire) * time.Second, nil
}
