package redis

import (
	"sync"

	"reverbd/broadcast"
)

// item is one message on its way out.
type item struct {
	channel string // of Redis
	message []byte
	event   *broadcast.Event // of a cache channel: it is kept, and its order confirmed
	size    int64
}

// itemOverhead is what an item costs besides its message, in bytes.
const itemOverhead = 128

// queue is the messages that wait to be published, in order and within a limit. Safe for concurrent use.
type queue struct {
	limit int64

	mu       sync.Mutex
	items    []item
	reserved int64 // bytes of what waits, and of what is about to
	changed  chan struct{}
}

func newQueue(limit int64) *queue {
	return &queue{limit: limit, changed: make(chan struct{}, 1)}
}

// reserve makes room for a message. One that is larger than the limit has room when nothing else waits.
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

// release gives room back.
func (q *queue) release(size int64) {
	q.mu.Lock()
	q.reserved -= size
	q.mu.Unlock()
}

// push appends a message, made with its number while the order is fixed.
func (q *queue) push(make func() item) {
	q.mu.Lock()
	q.items = append(q.items, make())
	q.mu.Unlock()
	select {
	case q.changed <- struct{}{}:
	default:
	}
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

// empty reports that nothing waits, and nothing is about to.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reserved == 0
}

// waiting is the bytes of what waits.
func (q *queue) waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reserved
}
