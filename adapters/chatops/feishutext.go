package chatops

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// feishuText is the text of a message: a text, or a post, which has paragraphs of pieces.
func feishuText(kind, content string) (string, error) {
	switch kind {
	case "text":
		var body struct{ Text string }
		if read([]byte(content), &body) != nil {
			return "", errors.New("the content of its message is not JSON")
		}
		return body.Text, nil
	case "post":
		post, err := feishuPostIn([]byte(content), 3)
		return post, err
	}
	return "help", nil // a picture asks for nothing
}

// feishuPostIn reads a post. It may be inside a language, or inside "post" and a
// language.
func feishuPostIn(content []byte, depth int) (string, error) {
	var post struct {
		Title   string
		Content [][]struct{ Tag, Text, Href string }
	}
	if read(content, &post) == nil && post.Content != nil {
		lines := []string{post.Title}
		for _, paragraph := range post.Content {
			var line strings.Builder
			for _, piece := range paragraph {
				switch piece.Tag {
				case "at", "img", "media", "emotion":
					line.WriteByte(' ')
				case "a":
					line.WriteString(" " + cmp.Or(piece.Href, piece.Text) + " ")
				default:
					line.WriteString(piece.Text)
				}
			}
			lines = append(lines, line.String())
		}
		return strings.Join(lines, "\n"), nil
	}
	var wrapped map[string]json.RawMessage
	if depth == 0 || json.Unmarshal(content, &wrapped) != nil {
		return "", errors.New("the content of its message is not JSON")
	}
	for _, language := range slices.Sorted(maps.Keys(wrapped)) {
		if text, err := feishuPostIn(wrapped[language], depth-1); err == nil {
			return text, nil
		}
	}
	return "", errors.New("its post has no content")
}
