package notify

import (
	"strconv"
	"time"
)

// dingtalk is a custom robot of DingTalk. Its signature covers only the time and is part
// of the URL. Source: DingTalk's "Custom robot access".
var dingtalk = vendor{
	hosts:    []string{"oapi.dingtalk.com"},
	path:     "/robot/send",
	query:    "access_token",
	sign:     asIs,
	unsigned: true,
	limit:    20_000,
	compose:  composeDingTalk,
	accepted: coded(map[int]string{
		310000: "compare the robot's keyword, secret and addresses with the setting; every message contains the word tairssl",
	}),
}

func composeDingTalk(t *target, d digest, now time.Time) Post {
	type text struct {
		Title string `json:"title"`
		Text  string `json:"text"`
	}
	p := posted(t, struct {
		MsgType  string `json:"msgtype"`
		Markdown text   `json:"markdown"`
	}{"markdown", text{plain.Replace(d.title), markdown(d, "\n\n")}})
	if t.key != nil {
		at := strconv.FormatInt(now.UnixMilli(), 10)
		q := p.URL.Query()
		q.Set("timestamp", at)
		q.Set("sign", mac(t.key, at+"\n"+string(t.key)))
		p.URL.RawQuery = q.Encode()
	}
	return p
}
