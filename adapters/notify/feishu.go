package notify

import (
	"strconv"
	"time"
)

// feishu is a custom bot of Feishu or Lark. Source: Feishu's "Custom bot usage
// guide".
var feishu = vendor{
	hosts:    []string{"open.feishu.cn", "open.larksuite.com"},
	path:     "/open-apis/bot/v2/hook/",
	sign:     asIs,
	unsigned: true,
	app:      &feishuApp,
	limit:    20_000,
	compose:  composeFeishu,
	accepted: coded(map[int]string{
		19021: "compare the bot's secret with the setting",
		19022: "add the address of this function to the addresses from which the bot takes messages",
		19024: "make tairssl the bot's keyword: every message contains it",
	}),
}

type feishuText struct {
	Tag  string `json:"tag"`
	Text string `json:"text"`
	Href string `json:"href,omitempty"`
}

// composeFeishu makes a post of plain texts and links, without markup. The key of the
// signature contains the time, and the signed message is empty.
func composeFeishu(t *target, d digest, now time.Time) Post {
	text := func(s string) feishuText { return feishuText{Tag: "text", Text: s} }
	content := [][]feishuText{}
	for _, l := range d.lines {
		content = append(content, []feishuText{text(l.who + ": " + l.text(d.most))})
	}
	if rest := d.rest(); rest != "" {
		content = append(content, []feishuText{text(rest)})
	}
	for _, n := range d.next {
		row := []feishuText{text("→ " + n.text)}
		if n.url != "" {
			row = []feishuText{text("→ " + n.text + ": "), {"a", n.url, n.url}}
		}
		content = append(content, row)
	}
	type article struct {
		Title   string         `json:"title"`
		Content [][]feishuText `json:"content"`
	}
	type language struct {
		ZhCN article `json:"zh_cn"` // the only language, so it is shown to every reader
	}
	type body struct {
		Post language `json:"post"`
	}
	message := struct {
		Timestamp string `json:"timestamp,omitempty"`
		Sign      string `json:"sign,omitempty"`
		MsgType   string `json:"msg_type"`
		Content   body   `json:"content"`
	}{MsgType: "post", Content: body{language{article{d.title, content}}}}
	if t.key != nil {
		message.Timestamp = strconv.FormatInt(now.Unix(), 10)
		message.Sign = mac([]byte(message.Timestamp+"\n"+string(t.key)), "")
	}
	return posted(t, message)
}
