package chatops

import (
	"fmt"
	"strings"

	"tairssl/handler"
)

// larkMessage is a message as the reply API takes it: its content is JSON in a
// string.
type larkMessage struct {
	MsgType string `json:"msg_type"`
	Content string `json:"content"`
}

func larkAnswer(r Reply) larkMessage {
	return larkMessage{"interactive", string(handler.JSON(larkCard(r)))}
}

type larkContent struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

type larkElement struct {
	Tag     string       `json:"tag"`
	Text    *larkContent `json:"text,omitempty"`
	Actions []larkButton `json:"actions,omitempty"`
}

type larkButton struct {
	Tag   string            `json:"tag"`
	Text  larkContent       `json:"text"`
	Type  string            `json:"type"`
	Value map[string]string `json:"value"`
}

type larkCardContent struct {
	Config   map[string]bool `json:"config"`
	Elements []larkElement   `json:"elements"`
}

func larkCard(r Reply) larkCardContent {
	card := larkCardContent{Config: map[string]bool{"wide_screen_mode": true}}
	div := func(tag, content string) {
		card.Elements = append(card.Elements, larkElement{Tag: "div", Text: &larkContent{tag, content}})
	}
	div("plain_text", strings.Join(r.Lines, "\n"))
	if r.Decided != "" && r.pressed && plainID().MatchString(r.by) {
		div("lark_md", fmt.Sprintf(r.Decided, "<at id="+r.by+"></at>"))
	}
	if r.Code != "" {
		card.Elements = append(card.Elements, larkElement{Tag: "action", Actions: []larkButton{{
			Tag: "button", Text: larkContent{"plain_text", r.Button}, Type: "danger", Value: map[string]string{"action": confirm, "code": r.Confirm},
		}}})
	}
	return card
}
