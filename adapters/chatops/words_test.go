package chatops_test

import (
	"strings"
	"testing"

	"tairssl/adapters/chatops"
)

// read parses a text and prints the command. An error begins with an exclamation mark.
func read(text string) string {
	c, err := chatops.Parse(text)
	if err != nil {
		return "!" + err.Error()
	}
	words := append([]string{c.Verb}, c.Instances...)
	if c.Region != "" {
		words = append(words, "@"+c.Region)
	}
	if c.DryRun {
		words = append(words, "dry-run")
	}
	return strings.Join(append(words, c.Code), " ")
}

const code, bareCode = "K7Q2-9M4X-TPDW-6HAC", "K7Q29M4XTPDW6HAC"

func TestACodeIsFoundInEveryWording(t *testing.T) {
	for _, text := range []string{
		"@bot " + code, "@更新机器人 " + code, code + " please", "谢谢 " + code, "👍 " + code, ":ok: " + code, "_" + code + "_", "(" + code + ")",
		"确认码 " + code, "确认码：" + code, "確認 " + code, "confirm code: " + code, "confirm the code " + code, "confirm, " + code, "confirm，" + code,
		"confirm (" + code + ")", "confirm <" + code + ">", "confirm=" + bareCode, "confirm K7Q2_9M4X_TPDW_6HAC", "confirm K7Q2.9M4X.TPDW.6HAC", "\u202aconfirm\u202c " + code + "\ufe0f",
		"> To go on, send within 5 minutes:\n> confirm " + code, "&gt; 要继续，请在 5 分钟内发送：\n&gt; 确认 " + code,
		"> confirm 2222-2222-2222-2222\n> no\nconfirm " + code,
	} {
		if got := read(text); !strings.EqualFold(got, "confirm "+bareCode) {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

// A text that quotes a plan does not confirm it.
func TestACodeThatIsQuotedOrDeniedConfirmsNothing(t *testing.T) {
	for _, text := range []string{
		"> confirm " + code + "\nno, wait", "&gt; update r-x\n&gt; confirm " + code + "\n<@UBOT> not now", "> 确认 " + code + "\n先等等",
		"don't confirm " + code, "don’t confirm " + code, "do not confirm " + code, "do not yet confirm " + code, "never confirm " + code, "can't confirm " + code, "no! confirm " + code,
		"不确认 " + code, "不要确认 " + code, "先别确认" + code, "请勿确认 " + code, "没有确认 " + code, "取消确认 " + code, "no " + code, "不 " + code,
		chatops.HTMLText("<blockquote itemtype=\"Reply\">\n<p>To go on, say:</p>\n<p>confirm " + code + "</p>\n</blockquote>\n<p>better not</p>"),
		chatops.HTMLText("<blockquote>confirm&#10;" + code + "</blockquote>stop"),
	} {
		if got := read(text); strings.Contains(got, "K7Q29M4X") {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	plan := "disable r-x\nOn legacy instances it can never be switched on again.\nWhy: it is not off\nTo go on, send within 5 minutes:\nconfirm " + code
	for _, text := range []string{plan, strings.ReplaceAll(plan, "\n", " "), chatops.HTMLText("<blockquote>" + strings.ReplaceAll(plan, "\n", "<br>") + "</blockquote>")} {
		if got := read(text); got != "confirm  "+bareCode && got != "confirm "+bareCode {
			t.Errorf("%q, copied, is read as %q", text, got)
		}
	}
}

func TestCommandsAreFoundAmongIdleWords(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	for text, want := range map[string]string{
		"status " + id + " 🙏": "status " + id, "👍🏽 status " + id: "status " + id, "status " + id + " :pray:": "status " + id, "状态 " + id + "[抱拳]": "status " + id,
		"_status_ " + id: "status " + id, "~status~ " + id: "status " + id, "```\nstatus " + id + "\n```": "status " + id,
		"• status " + id: "status " + id, "- status " + id + " & " + other: "status " + id + " " + other,
		"/status " + id: "status " + id, "/tair status " + id: "status " + id, "status:" + id: "status " + id, "hi there": "help",
		"> status r-quoted1234\nstatus " + id: "status " + id, "> status " + id: "status " + id,
		"status " + id + "\u061c": "status " + id, "\u202astatus\u202c " + id + "\ufe0f": "status " + id,
		"status https://" + endpoint + "/?a=b&amp;c=d": "status https://" + endpoint + "/?a=b&c=d",
		"what's the status of " + id + "?":             "status " + id, "I want to update " + id: "update " + id, id + " status": "status " + id,
		"renew cert of orders-cache": "update orders-cache", "enable encryption on " + id: "enable " + id,
		"status " + id + " and " + other: "status " + id + " " + other, "update " + id + " dry run": "update " + id + " dry-run",
		"更新orders-cache": "update orders-cache", "请更新orders-cache，谢谢": "update orders-cache", "续期证书orders-cache": "update orders-cache",
		"更新证书" + id: "update " + id, "更新" + id + "证书": "update " + id, "更新实例" + id + "吧": "update " + id, "把" + id + "更新一下": "update " + id,
		id + " 更新": "update " + id, id + "的状态": "status " + id, "请问" + id + "的状态是什么？": "status " + id, "帮我查一下" + id + "的状态": "status " + id, "看一下" + id: "status " + id,
		"状态 " + id + "和" + other: "status " + id + " " + other, "查询状态": "status", "状态查询": "status", "查询证书状态": "status", "全部状态": "status", "状态 全部": "status", "所有实例的状态": "status",
		"开启加密 " + id: "enable " + id, "开启 " + id + " 的加密": "enable " + id, "开启TLS加密 " + id: "enable " + id, "更新 " + id + " 地域=cn-beijing": "update " + id + " @cn-beijing",
		"更新" + id + "（演练）": "update " + id + " dry-run", "請更新 " + id: "update " + id, "狀態 " + id: "status " + id, "幫助": "help",
		// These names contain words of a command.
		"状态 请求缓存": "status 请求缓存", "更新请求缓存": "update 请求缓存", "更新 酒吧": "update 酒吧", "更新 更新服务": "update 更新服务", "状态 证书服务": "status 证书服务", "续期一下订单缓存的证书": "update 订单缓存",
	} {
		if got := strings.TrimSpace(read(text)); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestAnInstanceWithoutACommandIsAnsweredWithACommand(t *testing.T) {
	if got := read(id); !strings.Contains(got, "Did you mean status "+id+"?") {
		t.Errorf("the answer is %q", got)
	}
}

// The language of a mentioned name is not the language of the message.
func TestAMentionDoesNotSetTheLanguage(t *testing.T) {
	for _, text := range []string{"@证书机器人 status " + id, "<@U1|证书> status " + id, "<at>证书</at> status"} {
		if c, err := chatops.Parse(text); c.Chinese || err != nil {
			t.Errorf("%q is read as Chinese %t, %v", text, c.Chinese, err)
		}
	}
}

func TestHTMLOfOtherClientsIsRead(t *testing.T) {
	for html, want := range map[string]string{
		`<at id="0"/> status ` + id:                                        "status " + id,
		"<table><tr><td>status</td><td>" + id + "</td></tr></table>":       "status " + id,
		"<h1>status</h1>" + id:                                             "status " + id,
		`<p>status<img alt="x">` + id + `</p><attachment></attachment>`:    "status " + id,
		"<p>sta<b>tus</b> r-<i>abcd</i>1234</p>":                           "status r-abcd1234",
		"<blockquote><p>status r-quoted1234</p></blockquote><p>status</p>": "status",
		"<blockquote>a\nstatus r-quoted1234</blockquote>status " + id:      "status " + id,
		`<p>status <a href="">` + id + `</a></p>`:                          "status " + id,
	} {
		if got := strings.TrimSpace(read(chatops.HTMLText(html))); got != want {
			t.Errorf("%q is read as %q, want %q", html, got, want)
		}
	}
}
