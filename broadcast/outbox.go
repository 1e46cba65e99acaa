package broadcast

import "time"

// Outbox is where the nodes of a cluster put what one of them has to tell somebody outside, once for all of them. It has streams, each of which
// one node at a time reads and empties: its owner.
//
// As an Observer it is told what this node sees, and makes of it what the cluster sees: a channel is occupied when the first node has
// subscribers, and vacated when the last one has none any longer, or is dead.
type Outbox interface {
	Observer
	// Serve says who reads, before anything is observed.
	Serve(r OutboxReader)
	// Sync takes in what is there of an app that has not been observed before.
	Sync(d *Directory)
	// Seal notes that these entries of a stream go out together, under an id that they keep should another node have to send them again. An
	// error says that this node does not own the stream any longer.
	Seal(stream string, b OutboxBatch) error
	// Settle removes entries that are done with, and the batch that they were in, if that is not "".
	Settle(stream, batch string, entries []string)
}

// OutboxReader is what an Outbox asks and tells its reader. Methods are called by one goroutine, but for Routes, and must not block.
type OutboxReader interface {
	// Routes names the streams that have an activity of an app on a channel. Safe for concurrent use.
	Routes(app string, kind ActivityKind, channel string) []string
	// Streams names those that this node may own.
	Streams() []string
	// Own makes this node the owner of a stream, and brings what is in it: batches that have not been settled, and all entries.
	Own(stream string, batches []OutboxBatch, entries []OutboxEntry)
	// Deliver brings what has been added to a stream since.
	Deliver(stream string, entries []OutboxEntry)
	// Full reports whether a stream's reader has enough for now.
	Full(stream string) bool
	// Disown says that the stream has another owner now, or nobody can tell. It does nothing for a stream that is not owned.
	Disown(stream string)
}

// OutboxEntry is one activity in a stream.
type OutboxEntry struct {
	ID string
	At time.Time // by this node's clock
	Activity
}

// OutboxBatch is entries that go out together.
type OutboxBatch struct {
	ID      string    `json:"id"`
	First   time.Time `json:"first"` // when they went out for the first time
	Entries []string  `json:"entries"`
}
