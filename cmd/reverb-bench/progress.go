package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is the progress line of a run. It is removed when the run ends.
type progress struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar // nil before the first call of watch
}

// newProgress returns a progress line on standard error, or nil if that is not a terminal.
func newProgress() *progress {
	if !term.IsTerminal(int(os.Stderr.Fd())) { //nolint:gosec // a descriptor is a small number
		return nil
	}
	return &progress{w: os.Stderr}
}

// watch shows the progress. of is 0 if the total is unknown.
func (p *progress) watch(what string, done, of int) {
	if p.bar == nil || what != p.what {
		p.end()
		p.what, p.bar = what, p.begin(what, of)
	}
	_ = p.bar.Set(done) // an error does not end the run
}

func (p *progress) begin(what string, of int) *progressbar.ProgressBar {
	const often = 100 * time.Millisecond
	if of <= 0 {
		of = -1 // unknown total
	}
	return progressbar.NewOptions(of,
		progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(of > 0),
		progressbar.OptionThrottle(often), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true))
}

// end removes the line.
func (p *progress) end() {
	if p.bar == nil {
		return
	}
	_ = p.bar.Clear()
	_ = p.bar.Exit()
	p.bar = nil
}
