package function

import (
	"fmt"
	"reflect"
	"strings"
)

// fields are the settings': those of the chats stand in structs of their own.
func fields() (fields []reflect.StructField) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		if f.Tag.Get("env") != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// names are the settings' names, without the prefix.
func names() (names []string) {
	for _, f := range fields() {
		names = append(names, f.Tag.Get("env"))
	}
	return names
}

// Help says what a setting's variable takes, "" for what is no setting.
func Help(variable string) string {
	name, ok := strings.CutPrefix(variable, Prefix)
	for _, f := range fields() {
		if ok && f.Tag.Get("env") == name {
			return f.Tag.Get("help")
		}
	}
	return ""
}

// SettingsTable gives a row of a Markdown table for each setting: variable,
// default, meaning.
func SettingsTable() (rows []string) {
	for _, f := range fields() {
		otherwise := f.Tag.Get("envDefault")
		if otherwise != "" {
			otherwise = "`" + otherwise + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s%s` | %s | %s |", Prefix, f.Tag.Get("env"), otherwise, f.Tag.Get("help")))
	}
	return rows
}
