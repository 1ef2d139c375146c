package cli

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"
)

// gauge shows on a terminal that work goes on, and how far it is. The zero
// value shows nothing, for where nobody looks on.
type gauge struct {
	writer  progress.Writer
	tracker *progress.Tracker
	counted bool
	ended   chan struct{}
}

// gauge begins to show work that cannot be counted. Whoever calls it ends it.
func (c *command) gauge(what string) *gauge { return c.newGauge(what, false) }

// counter begins to show work of which [gauge.set] will say how much is done.
func (c *command) counter(what string) *gauge { return c.newGauge(what, true) }

func (c *command) newGauge(what string, counted bool) *gauge {
	if !c.Progress {
		return &gauge{}
	}
	g := &gauge{writer: progress.NewWriter(), counted: counted, tracker: &progress.Tracker{Message: what, RemoveOnCompletion: true}, ended: make(chan struct{})}
	g.writer.SetOutputWriter(c.Stderr)
	g.writer.SetUpdateFrequency(100 * time.Millisecond)
	g.writer.SetTrackerLength(20)
	g.writer.SetTrackerPosition(progress.PositionRight)
	g.writer.SetAutoStop(true)
	style := progress.StyleDefault
	style.Options.TimeInProgressPrecision = time.Second
	style.Visibility.Percentage, style.Visibility.Value = counted, counted
	style.Options.PercentIndeterminate = " "
	if c.Color {
		style.Colors.Tracker = text.Colors{text.FgCyan}
	}
	g.writer.SetStyle(style)
	g.writer.AppendTracker(g.tracker)
	go func() {
		defer close(g.ended)
		g.writer.Render()
	}()
	return g
}

// set says that so many of so many are done. The total may grow.
func (g *gauge) set(done, total int) {
	if g.tracker == nil || !g.counted || total <= 0 || done >= total { // a tracker that is full is gone for good
		return
	}
	g.tracker.UpdateTotal(int64(total))
	g.tracker.SetValue(int64(done))
}

// tell writes a line of news, above the gauge if one is shown.
func (c *command) tell(g *gauge, news string) {
	if g.tracker == nil {
		fmt.Fprintln(c.Stderr, news)
		return
	}
	g.writer.Log("%s", news)
}

// end takes the gauge off the terminal. It may be called again.
func (g *gauge) end() {
	if g.tracker == nil {
		return
	}
	g.tracker.MarkAsDone() // the writer then stops by itself
	<-g.ended
	g.tracker = nil
}
