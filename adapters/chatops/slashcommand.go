package chatops

import "net/url"

// Slack and Mattermost send a slash command in the same form.

// slashCommand makes a sample of the form.
func slashCommand(s Speaker) []byte {
	return []byte(url.Values{"team_id": {s.Tenant}, "user_id": {s.User}, "channel_id": {s.Channel}, "command": {"/tair"}, "text": {s.Text}}.Encode())
}

// commandName is the name of the slash command, such as /tair; "" if it is missing or odd.
func commandName(form url.Values) string {
	name := form.Get("command")
	if !slashName().MatchString(name) {
		return ""
	}
	return name
}

var slashName = pattern(`^/[A-Za-z0-9_.-]{1,60}$`)
