package notify

import "time"

// wecom is a group robot of WeCom (企业微信). Source: WeCom's "群机器人配置说明".
var wecom = vendor{
	hosts:   []string{"qyapi.weixin.qq.com"},
	path:    "/cgi-bin/webhook/send",
	query:   "key",
	limit:   4096,
	compose: composeWeCom,
	accepted: coded(map[int]string{
		93000: "compare the robot's URL with the setting; the robot may have been removed from its group",
		45009: "the robot takes 20 messages a minute",
	}),
}

func composeWeCom(t *target, d digest, _ time.Time) Post {
	type text struct {
		Content string `json:"content"`
	}
	return posted(t, struct {
		MsgType  string `json:"msgtype"`
		Markdown text   `json:"markdown"`
	}{"markdown", text{markdown(d, "\n")}})
}
