package broadcast

import "math/bits"

// appShare bounds what one app may have waiting in a mailbox: so many times what is left free. An app that publishes more than its
// loops deliver gets four fifths of a mailbox and is refused then, while another app finds a fifth free; the more apps there are that
// publish too much, the less each of them gets. A fixed share would be too small where there is one app, and too large with a hundred.
const appShare = 4

// behind returns those loops of the set that have too much waiting for the app to publish more, where a mailbox may hold so many
// times its limit.
func (d *Directory) behind(set uint64, limits int64) (late uint64) {
	for ; set != 0; set &= set - 1 {
		l := d.hub.loops[bits.TrailingZeros64(set)]
		free := limits*l.mailboxLimit - l.mailbox.bytes.Load()
		if free < 0 || d.waiting[l.index].Load() > appShare*free {
			late |= l.bit
		}
	}
	return late
}
