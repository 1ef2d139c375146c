package lambda_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// secrets are all secrets that must not leak. Each secret differs from every other secret
// and from every other text that the function prints.
var secrets = map[string]string{
	"access key id":          "LTAIleakKeyId7Qx93TzWm",
	"access key secret":      "leak/KeySecret+9vKz3RmQw71==",
	"security token":         "leakSecurityToken+CAIS/w8BzQ4tL0nXs==",
	"wrong key's secret":     "leak/WrongSecret+5bNq8YtRe22==",
	"role's key id":          "STS.leakRoleKeyIdP4w8sZ",
	"role's key secret":      "leakRoleSecretH6y2mVbX0c",
	"role's token":           "leakRoleToken+CAISu3/9dKfJ==",
	"identity token":         "eyJleakIdentity.eyJzdWIiOiJhcm46YXdzIn0.bGVha1NpZw",
	"AWS key id":             awsKey.AccessKeyID,
	"AWS key secret":         awsKey.SecretAccessKey,
	"AWS session token":      awsKey.SessionToken,
	"standard webhooks":      "whsec_" + base64.StdEncoding.EncodeToString([]byte("leak of Standard Webhooks, 7Tz")),
	"github":                 "leakGitHubSecret-2pLm6Xc",
	"alert token":            "leakAlertToken.4kTr9Wn",
	"alert password":         "leakAlertPassword&8sDv1Jb",
	"grafana":                "leakGrafanaSecret-6gHy3Qp",
	"slack":                  "leakSlackSecret-1wEr5Ty",
	"dingtalk":               "leakDingSecret-9iOp2As",
	"feishu key":             "leakFeishuKey-3dFg7Hj",
	"feishu token":           "leakFeishuToken-5kLz8Xc",
	"feishu app secret":      "leakFeishuApp-4vBn6Mq",
	"teams":                  base64.StdEncoding.EncodeToString([]byte("leak of Teams' token, 5Yz9q")),
	"mattermost":             "leakMattermost-7wSx1Ed",
	"confirmation key":       "leakConfirmKey-8rFv2Tg",
	"slack's URL":            "leakSlackURL6yHn4Uj",
	"dingtalk's URL":         "leakDingURL0okMp3Lq",
	"dingtalk's signing key": "SECleakDingSign5zAw9Sx",
	"feishu's URL":           "leakFeishuURL-2dCr8Fv",
	"wecom's URL":            "leakWeComURL-7gBy1Hn",
	"webhook's key":          "whsec_" + base64.StdEncoding.EncodeToString([]byte("leak of a notice's key, 4Rq7")),
	"feishu's bearer":        "t-leakTenantBearer3xZq8",
	"reply's URL":            "leakReplyURL-6mJu4Ki",
}

// forms returns the encodings in which a secret may appear in a text. They hold only its
// beginning or its end, because a text may be cut.
func forms(secret string) map[string]string {
	const ends = 14
	head, tail := secret[:min(ends, len(secret))], secret[max(0, len(secret)-ends):]
	quoted, _ := json.Marshal(secret)
	all := map[string]string{
		"plain": head, "its end, plain": tail, "in JSON": strings.Trim(string(quoted), `"`)[:min(ends, len(quoted)-2)],
		"in a URL": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "twice in a URL": url.QueryEscape(url.QueryEscape(secret)),
		"in hex": hex.EncodeToString([]byte(head)), "in capital hex": strings.ToUpper(hex.EncodeToString([]byte(head))),
	}
	// Within a longer text, base64 has one of three forms.
	for shift := range 3 {
		for name, coding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 for URLs": base64.RawURLEncoding} {
			text := coding.EncodeToString([]byte(strings.Repeat("x", shift) + head))
			all[fmt.Sprintf("in %s, shifted by %d", name, shift)] = text[(shift*8+5)/6 : len(text)-1]
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err == nil && len(raw) > 16 {
		all["decoded"] = string(raw[:ends])
	}
	return all
}

// leaks lists the secrets that a text holds, with their encodings.
func leaks(text string, secrets map[string]string) (found []string) {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for form, needle := range forms(secrets[name]) {
			if at := strings.Index(text, needle); at >= 0 {
				found = append(found, fmt.Sprintf("%s, %s: …%q…", name, form, text[max(0, at-60):min(len(text), at+60)]))
			}
		}
	}
	return found
}
