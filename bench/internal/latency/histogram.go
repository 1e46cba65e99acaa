package latency

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range of a histogram: from a microsecond to an hour, with an error of at most 0.1 %.
const (
	lowest  = 1                             // microseconds
	highest = int64(time.Hour) / int64(1e3) // microseconds
	figures = 3
)

// Histogram is a distribution of durations. It is not safe for concurrent use.
type Histogram struct {
	hdr *hdrhistogram.Histogram // of microseconds
}

// New returns an empty histogram, of about 180 KiB.
func New() *Histogram { return &Histogram{hdrhistogram.New(lowest, highest, figures)} }

// Record adds a duration in nanoseconds. Durations below a microsecond count as one, durations above an hour as one hour.
func (h *Histogram) Record(nanoseconds int64) {
	_ = h.hdr.RecordValue(min(max((nanoseconds+500)/1000, lowest), highest)) // it fails only outside these bounds
}

// Merge adds the durations of another histogram.
func (h *Histogram) Merge(other *Histogram) { h.hdr.Merge(other.hdr) }

// MarshalText returns the histogram in the HdrHistogram V2 encoding, compressed and in base64. Values are microseconds.
func (h *Histogram) MarshalText() ([]byte, error) {
	return h.hdr.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}

// UnmarshalText is the inverse of MarshalText.
func (h *Histogram) UnmarshalText(text []byte) error {
	hdr, err := hdrhistogram.Decode(text)
	if err != nil {
		return fmt.Errorf("latency: decoding a histogram: %w", err)
	}
	h.hdr = hdr
	return nil
}

// Bar is one column of a plotted histogram.
type Bar struct {
	From, To time.Duration
	Count    int64
}

// Bars returns the columns that are not empty, ascending.
func (h *Histogram) Bars() []Bar {
	var bars []Bar
	for _, b := range h.hdr.Distribution() {
		if b.Count > 0 {
			bars = append(bars, Bar{microseconds(b.From), microseconds(b.To), b.Count})
		}
	}
	return bars
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
