package client

import (
	"strconv"

	"reverbd/bench/internal/dialect"
)

// Extra is channels that clients subscribe to beside those of the Layout. Nothing is published on them. The zero value is none.
type Extra struct {
	private  dialect.Dialect // nil without private channels
	room     dialect.Room    // nil without presence channels
	roomSize int
}

// roomShare is the share of clients in presence channels: one of so many.
const roomShare = 10

// NewExtra returns, for one goroutine, a private channel for each client, if that is asked for, and for a tenth of them presence channels
// of roomSize members, none if that is 0.
func NewExtra(t dialect.Target, private bool, roomSize int) Extra {
	e := Extra{roomSize: roomSize}
	if private {
		e.private = dialect.NewPusher(t, dialect.Messages{Prefix: "private-bench-user-"})
	}
	if roomSize > 0 {
		e.room = dialect.NewPusher(t, dialect.Messages{Prefix: "presence-bench-room-"})
	}
	return e
}

// appendSubscribe appends the subscriptions of the i-th client of the run, and returns how many they are.
func (e Extra) appendSubscribe(dst, socketID []byte, i int) (_ []byte, channels int) {
	if e.private != nil {
		dst = e.private.AppendSubscribe(dst, socketID, i)
		channels++
	}
	if e.room != nil && i%roomShare == 0 {
		user := strconv.AppendInt([]byte("u"), int64(i), 10)
		dst = e.room.AppendJoin(dst, socketID, i/roomShare/e.roomSize, user)
		channels++
	}
	return dst, channels
}
