package handler

import (
	"errors"
	"fmt"
	"time"
)

// Duration is a time.Duration whose JSON is a string such as "720h" or "90s".
type Duration time.Duration

var (
	errNotString   = errors.New("want a string")
	errNotDuration = errors.New(`want a duration such as "720h" or "90s"`)
)

// MarshalText writes the format of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the format of time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return errNotDuration
	}
	*d = Duration(v)
	return nil
}

// timeLayout is the API's format of a time: RFC 3339 in UTC, with whole seconds.
const timeLayout = "2006-01-02T15:04:05Z"

// Time is a moment in the API's format: UTC, whole seconds, "" for none.
type Time struct{ time.Time }

// At converts t to whole seconds in UTC.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Second)}
}

// ParseTime reads an RFC 3339 time, with any offset; "" is the zero Time.
func ParseTime(s string) (Time, error) {
	if s == "" {
		return Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return Time{}, err
	}
	return At(t), nil
}

// String returns the time in the API's format.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// MarshalText writes the API's format.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalJSON writes the API's format instead of time.Time's.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTime(string(text))
	return err
}

// UnmarshalJSON reads an RFC 3339 string or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if len(data) < 2 || data[0] != '"' {
		return errNotString
	}
	return t.UnmarshalText(data[1 : len(data)-1])
}

// Span writes a duration in one unit, rounded down: 12d, 31h, 40m or 5s.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%dd", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
