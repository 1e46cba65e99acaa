package redis

import "time"

// window is which messages of a process have been received from a server, so that each is delivered once although it may be sent
// again, and some behind later ones: Redis can refuse one message of a batch and take the next. It is the anti-replay window of
// RFC 4303, section 3.4.3. The zero value has received nothing.
type window struct {
	top  uint64 // the highest number so far
	bits [windowSize / 64]uint64
	used time.Time
}

// windowSize is how far behind the highest number a message may come. What comes later counts as received.
const windowSize = 4096

// accept reports whether the message with that number is new, and takes note of it. Numbers begin at 1.
func (w *window) accept(number uint64) bool {
	switch {
	case number > w.top:
		if number-w.top >= windowSize {
			clear(w.bits[:])
		} else {
			for n := w.top + 1; n < number; n++ {
				w.set(n, false)
			}
		}
		w.top = number
	case w.top-number >= windowSize || w.bits[number%windowSize/64]&(1<<(number%64)) != 0:
		return false
	}
	w.set(number, true)
	return true
}

func (w *window) set(number uint64, received bool) {
	word, bit := &w.bits[number%windowSize/64], uint64(1)<<(number%64)
	if received {
		*word |= bit
	} else {
		*word &^= bit
	}
}
