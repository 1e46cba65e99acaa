package redis

import (
	"sync"

	"reverbd/broadcast"
)

// item is one message to be published.
type item struct {
	channel string // of Redis
	message []byte
	event   *broadcast.Event // set for a cache channel: Redis keeps the event and returns its offset
	size    int64
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

// reserve reserves room for a message. A message that is larger than the limit has room when the queue is empty.
func (q *queue) reserve(n int) error {
	size := int64(n + itemOverhead)
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

// push appends the message that make returns. make is called with the queue locked, so that it can give the message its
// number.
func (q *queue) push(make func() item) {
	q.mu.Lock()
	q.items = append(q.items, make())
	q.mu.Unlock()
	notify(q.changed)
}

// take removes and returns the first messages, of about n bytes together.
func (q *queue) take(n int64) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := 0
	for ; count < len(q.items) && n > 0; count++ {
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
