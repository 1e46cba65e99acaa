package redis

import (
	"sync"

	"reverbd/broadcast"
)

// item is one message on its way out. The publishing goroutine gives it its number, copies it and adds the checksum, so that
// those who publish hold the lock of the queue for an append.
type item struct {
	kind    kind
	channel string          // of Redis
	event   broadcast.Event // without App where the message is no event
	payload []byte          // aliases the frame
	size    int64           // bytes reserved for it

	// Of the publishing goroutine.
	number  uint64 // 0 until it has one
	message []byte
	eval    bool // send the script with its text: Redis has forgotten it
}

// itemOverhead is what an item costs beside its message, in bytes (approximately).
const itemOverhead = 128

// queue is the messages that wait to be published, in order and with a limit. Safe for concurrent use.
type queue struct {
	limit int64

	mu       sync.Mutex
	items    []item
	reserved int64 // bytes of what waits and of what has been reserved
	changed  chan struct{}
}

func newQueue(limit int64) *queue {
	return &queue{limit: limit, changed: make(chan struct{}, 1)}
}

// reserve makes room for count messages of together n bytes, all or none. What is larger than the limit has room when nothing else waits.
func (q *queue) reserve(count, n int) error {
	size := int64(n + count*itemOverhead)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reserved > 0 && q.reserved+size > q.limit {
		return broadcast.ErrOverloaded
	}
	q.reserved += size
	return nil
}

// release returns room.
func (q *queue) release(size int64) {
	q.mu.Lock()
	q.reserved -= size
	q.mu.Unlock()
}

// push appends messages, for which reserve has made room.
func (q *queue) push(items ...item) {
	q.mu.Lock()
	q.items = append(q.items, items...)
	q.mu.Unlock()
	notify(q.changed)
}

// take removes and returns the first messages, at most limit and of about n bytes together.
func (q *queue) take(limit int, n int64) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := 0
	for ; count < min(limit, len(q.items)) && n > 0; count++ {
		n -= q.items[count].size
	}
	taken := q.items[:count:count]
	if q.items = q.items[count:]; len(q.items) == 0 {
		q.items = nil
	}
	return taken
}

// empty reports that nothing waits and nothing is reserved.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reserved == 0
}

// waiting is the number of bytes that wait or are reserved.
func (q *queue) waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reserved
}
