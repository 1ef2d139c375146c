package chatops

import (
	"fmt"
	"strings"

	"tairssl/handler"
)

// feishuMessage is a message in the form of the reply API: its content is JSON in a
// string.
type feishuMessage struct {
	MsgType string `json:"msg_type"`
	Content string `json:"content"`
}

func feishuAnswer(r Reply) feishuMessage {
	return feishuMessage{"interactive", string(handler.JSON(feishuCard(r)))}
}

type feishuContent struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

type feishuElement struct {
	Tag     string         `json:"tag"`
	Text    *feishuContent `json:"text,omitempty"`
	Actions []feishuButton `json:"actions,omitempty"`
}

type feishuButton struct {
	Tag   string            `json:"tag"`
	Text  feishuContent     `json:"text"`
	Type  string            `json:"type"`
	Value map[string]string `json:"value"`
}

type feishuCardContent struct {
	Config   map[string]bool `json:"config"`
	Elements []feishuElement `json:"elements"`
}

func feishuCard(r Reply) feishuCardContent {
	card := feishuCardContent{Config: map[string]bool{"wide_screen_mode": true}}
	div := func(tag, content string) {
		card.Elements = append(card.Elements, feishuElement{Tag: "div", Text: &feishuContent{tag, content}})
	}
	div("plain_text", strings.Join(r.Lines, "\n"))
	if r.Decided != "" && r.pressed && plainID().MatchString(r.by) {
		div("lark_md", fmt.Sprintf(r.Decided, "<at id="+r.by+"></at>"))
	}
	if r.Code != "" {
		card.Elements = append(card.Elements, feishuElement{Tag: "action", Actions: []feishuButton{{
			Tag: "button", Text: feishuContent{"plain_text", r.Button}, Type: "danger", Value: map[string]string{"action": confirm, "code": r.Confirm},
		}}})
	}
	return card
}
