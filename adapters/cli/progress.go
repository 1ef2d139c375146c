package cli

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"
)

// gauge shows on a terminal that work is in progress, and how much of the work is done.
// The zero value shows nothing. It is used without a terminal.
type gauge struct {
	writer  progress.Writer
	tracker *progress.Tracker
	counted bool
	ended   chan struct{}
}

// gauge starts to show work that cannot be counted. The caller must end it.
func (c *command) gauge(work string) *gauge { return c.newGauge(work, false) }

// counter starts to show work whose progress [gauge.set] reports. The caller must end it.
func (c *command) counter(work string) *gauge { return c.newGauge(work, true) }

func (c *command) newGauge(work string, counted bool) *gauge {
	if !c.Progress {
		return &gauge{}
	}
	g := &gauge{writer: progress.NewWriter(), counted: counted, tracker: &progress.Tracker{Message: work, RemoveOnCompletion: true}, ended: make(chan struct{})}
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

// set shows how many pieces of the work are done. The total may grow.
func (g *gauge) set(done, total int) {
	if g.tracker == nil || !g.counted || total <= 0 || done >= total { // a full tracker disappears and cannot come back
		return
	}
	g.tracker.UpdateTotal(int64(total))
	g.tracker.SetValue(int64(done))
}

// tell writes a line, above the gauge if the gauge is visible.
func (c *command) tell(g *gauge, news string) {
	if g.tracker == nil {
		fmt.Fprintln(c.Stderr, news)
		return
	}
	g.writer.Log("%s", news)
}

// end removes the gauge from the terminal. It may be called more than once.
func (g *gauge) end() {
	if g.tracker == nil {
		return
	}
	g.tracker.MarkAsDone() // the writer then stops by itself
	<-g.ended
	g.tracker = nil
}
