package rehearsal

import "time"

// settled reports whether the rehearsal can end: the change is complete, new
// connections get the new certificate, and nothing has changed for a while. This
// time is Settle if a sign of the restart was seen (SSLModifying, or a connection
// that was cut or refused). Otherwise it is Quiet, because the restart may still
// come.
func (o Options) settled(r Record, before, now time.Time) bool {
	e := r.Effect(before)
	if e.Complete == nil {
		return false
	}
	quiet := now.Sub(r.Sent) - time.Duration(*e.Complete)
	restarted := e.ModifyingFor != nil
	if o.Prober != nil {
		c := r.Connections(o.PingEvery)
		if n := len(r.Pings); n > 0 && r.Pings[n-1].Err != nil {
			return false
		}
		if c.ServedNew == nil {
			return quiet >= o.Quiet
		}
		restarted = restarted || c.Cuts > 0 || c.Failed > 0
		quiet = min(quiet, now.Sub(r.Sent)-time.Duration(*c.ServedNew))
	}
	if restarted {
		return quiet >= o.Settle
	}
	return quiet >= o.Quiet
}
