package chatops

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tairssl/handler"
)

// spoken lists the words for each verb. If one Chinese word begins with another, the
// longer one is first.
var spoken = []struct{ said, verb string }{
	{help, help}, {status, status}, {"update", "update"}, {"enable", "enable"}, {"disable", "disable"}, {confirm, confirm},
	{"renew", "update"}, {approve, approve}, {"批准", approve}, {"审批", approve}, {"同意", approve}, {"審批", approve},
	{"帮助", help}, {"状态", status}, {"查询", status}, {"查看", status}, {"查一下", status}, {"看一下", status}, {"看看", status},
	{"更新", "update"}, {"续期", "update"}, {"续签", "update"}, {"开启", "enable"}, {"启用", "enable"}, {"关闭", "disable"}, {"停用", "disable"}, {"确认", confirm},
	{"幫助", help}, {"狀態", status}, {"查詢", status}, {"續期", "update"}, {"開啟", "enable"}, {"關閉", "disable"}, {"確認", confirm},
}

// Idle words, which stand around a command and ask for nothing. Chinese words have no spaces
// around them, so an idle word must not be a likely part of a name: 请求缓存 and 酒吧 are
// names.
var (
	polite = []string{"please", "pls", "plz", "kindly", "thanks", "thank", "thx", "hi", "hello", "hey", "there", "can", "could", "would", "you"}
	// asking and before have the words before the verb, and after has the words after it.
	asking = []string{"what", "whats", "is", "the", "i", "want", "need", "to"}
	before = []string{"请问", "请", "請", "麻烦", "帮我", "帮忙", "你好", "您好", "谢谢", "謝謝", "一下", "把"}
	after  = []string{"谢谢", "多谢", "謝謝", "一下", "是什么", "怎么样", "的证书", "的状态"}
	// nouns name the subject of a command. statusNouns lists the nouns after the verb status.
	// The name of an instance may contain a noun. So a noun is removed only if no other
	// Chinese character is next to it.
	nouns       = []string{"证书", "实例", "加密", "全部", "所有", "的", "吧"}
	statusNouns = append(nouns, "状态", "查询", "狀態")
	// fillers are ignored if the command also names an instance. A filler alone may be the
	// name of an instance.
	fillers = []string{"the", "of", "for", "on", "and", "my", "our", "certificate", "cert", "ssl", "tls", "encryption", "instance", "now", "me", "和", "与", "以及", "tls加密"}
)

// hans matches Chinese words.
var hans = pattern(`\p{Han}+`)

// words splits a normalised text. Signs at the ends of a word do not belong to it.
// No space is needed between Chinese words and an id or an endpoint.
func words(normal string) (list []string) {
	for _, word := range strings.FieldsFunc(normal, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }) {
		parts := strings.Fields(hans().ReplaceAllString(word, " $0 "))
		if !slices.ContainsFunc(parts, isInstance) {
			parts = []string{word}
		}
		for _, part := range parts {
			if part = strings.Trim(part, "()[]{}<>~|!?:."); len(part) > 2 && part[0] == '_' && part[len(part)-1] == '_' {
				part = strings.Trim(part, "_") // italics
			}
			if strings.ContainsFunc(part, isLetter) { // not only a dash, or the dot of a list
				list = append(list, part)
			}
		}
	}
	return list
}

// isInstance reports whether a word is an id or an endpoint.
func isInstance(word string) bool { _, ok := handler.ParseInstance(word); return ok }

// verbOf finds the verb and removes it. Instances may come before it.
func verbOf(list []string) (verb string, rest []string) {
	for at, word := range list {
		if verb, behind := verbIn(word); verb != "" {
			return verb, politely(slices.Concat(list[:at], []string{behind}, list[at+1:]), verb)
		}
		if !isInstance(word) {
			break
		}
	}
	return strings.ToLower(list[0]), list[1:]
}

// verbIn is the verb at the beginning of a word, and the rest of the word. A Chinese verb
// needs no space after it. Every other verb needs a colon.
func verbIn(word string) (verb, behind string) {
	word = strings.TrimPrefix(strings.TrimPrefix(word, "/"), "的")
	first, behind, _ := strings.Cut(word, ":")
	for _, s := range spoken {
		if strings.EqualFold(first, s.said) {
			return s.verb, behind
		}
		if rest, found := strings.CutPrefix(word, s.said); found && chinese(s.said) {
			return s.verb, strings.TrimLeft(rest, ":.")
		}
	}
	return "", ""
}

// politely removes the words that ask for nothing from both ends of a command. verb is
// the command's verb; "" while it is unknown.
func politely(list []string, verb string) []string {
	list = slices.Clone(list)
	for len(list) > 0 && isIdle(&list[0], verb, true) {
		list = list[1:]
	}
	for last := len(list) - 1; last >= 0 && isIdle(&list[last], verb, false); last-- {
		list = list[:last]
	}
	return list
}

// isIdle removes idle words from the beginning or the end of a word, and reports whether
// nothing else is left.
func isIdle(word *string, verb string, atBeginning bool) bool {
	around, about := before, nouns
	if verb != "" {
		around = after
	}
	if verb == status {
		about = statusNouns
	}
	*word = without(*word, around, atBeginning)
	rest := without(*word, about, atBeginning)
	next, _ := utf8.DecodeLastRuneInString(rest)
	if atBeginning {
		next, _ = utf8.DecodeRuneInString(rest)
	}
	follows, _ := verbIn(rest)
	if rest == "" || isLetter(next) && !isHan(next) || atBeginning && verb == "" && follows != "" {
		*word = rest
	}
	lower := strings.ToLower(*word)
	// People also write the name of the slash command where it is not needed.
	return lower == "" || slices.Contains(polite, lower) || verb == "" && (slices.Contains(asking, lower) || lower[0] == '/' && follows == "")
}

// without removes idle words from the beginning or the end of a word, until no idle word
// is left there.
func without(word string, idle []string, atBeginning bool) string {
	for at := 0; at < len(idle); at++ {
		rest := strings.TrimSuffix(word, idle[at])
		if atBeginning {
			rest = strings.TrimPrefix(word, idle[at])
		}
		if rest != word {
			word, at = rest, -1
		}
	}
	return word
}
