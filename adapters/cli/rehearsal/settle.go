package rehearsal

import "time"

// settled reports whether all has been seen that there is to see: the change is
// complete, connections are taken, with the new certificate, and nothing has
// moved for a while. That while is short once the restart was seen: SSLModifying,
// or a connection that was cut or refused. Without a sign of a restart it may still
// be to come.
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
