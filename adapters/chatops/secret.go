package chatops

import "log/slog"

// Secret is a setting that is never printed or logged.
type Secret string

// LogValue keeps the secret out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// String keeps the secret out of texts.
func (Secret) String() string { return "[secret]" }

// GoString keeps the secret out of %#v.
func (Secret) GoString() string { return "[secret]" }
