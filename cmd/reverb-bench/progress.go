package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is the line that tells how far a run is. It is gone when the run is over.
type progress struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar // nil before the first
}

// newProgress returns a line on standard error, or nil if nobody would see it there.
func newProgress() *progress {
	if !term.IsTerminal(int(os.Stderr.Fd())) { //nolint:gosec // a descriptor is a small number
		return nil
	}
	return &progress{w: os.Stderr}
}

// watch shows how far a run is. of is 0 if that is not known.
func (p *progress) watch(what string, done, of int) {
	if p.bar == nil || what != p.what {
		p.end()
		p.what, p.bar = what, p.begin(what, of)
	}
	_ = p.bar.Set(done) // a line that cannot be written is not worth ending the run for
}

func (p *progress) begin(what string, of int) *progressbar.ProgressBar {
	const often = 100 * time.Millisecond
	if of <= 0 {
		of = -1 // as many as there will be
	}
	return progressbar.NewOptions(of,
		progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(of > 0),
		progressbar.OptionThrottle(often), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true))
}

// end takes the line away.
func (p *progress) end() {
	if p.bar == nil {
		return
	}
	_ = p.bar.Clear()
	_ = p.bar.Exit()
	p.bar = nil
}
