package notify

import "time"

// reminders lists the times before the expiry at which reminders are sent. A reminder is
// about a certificate that is due and not renewed. Each reminder is sent once.
var reminders = []struct {
	left time.Duration
	mark string
}{
	{30 * day, "d30"}, {14 * day, "d14"}, {7 * day, "d7"}, {day, "d1"}, {0, "d0"},
}

// stage counts the reminders that are due.
func stage(left time.Duration) (n int) {
	for n < len(reminders) && left <= reminders[n].left {
		n++
	}
	return n
}
