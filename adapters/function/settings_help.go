package function

import (
	"fmt"
	"reflect"
	"strings"
)

// fields lists the fields of the settings, including those of the chats.
func fields() (fields []reflect.StructField) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		if f.Tag.Get("env") != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// names lists the names of the settings, without the prefix.
func names() (names []string) {
	for _, f := range fields() {
		names = append(names, f.Tag.Get("env"))
	}
	return names
}

// Help explains a setting; "" if the variable is not a setting.
func Help(variable string) string {
	name, ok := strings.CutPrefix(variable, Prefix)
	for _, f := range fields() {
		if ok && f.Tag.Get("env") == name {
			return f.Tag.Get("help")
		}
	}
	return ""
}

// SettingsTable gives a row of a Markdown table for each setting: variable, default,
// meaning.
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
