package redis

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
)

// queryTimeout is how long a query waits for the replies of the other nodes.
const queryTimeout = 800 * time.Millisecond

// maxReplying limits the queries that this node answers at the same time.
const maxReplying = 16

// queries is the queries that wait for replies. Safe for concurrent use.
type queries struct {
	mu       sync.Mutex
	last     uint64
	waiting  map[uint64]chan controlMessage
	replying int
	session  *session // nil while Redis cannot be reached
}

// Query implements broadcast.Bus.
func (b *Bus) Query(q broadcast.Query) []broadcast.QueryResult {
	s := b.queries.currentSession()
	if s == nil {
		return nil
	}
	missing := b.peers.responsive()
	replies := s.query(&q, queryTimeout, missing)
	results := make([]broadcast.QueryResult, 0, len(replies))
	for _, reply := range replies {
		delete(missing, reply.Origin)
		if reply.Result != nil {
			results = append(results, *reply.Result)
		}
	}
	if len(missing) > 0 && s.ctx.Err() == nil {
		b.suspectUnanswered(missing)
	}
	return results
}

// suspectUnanswered marks processes that did not reply as suspected: later queries do not wait for them.
func (b *Bus) suspectUnanswered(origins map[string]bool) {
	for origin := range origins {
		b.peers.suspect(origin)
	}
	n := b.stats.unanswered.Add(1)
	if b.unansweredLog.allow() {
		b.log.Warn("a node does not answer: counts are without its clients",
			zap.String("nodes", strings.Join(slices.Sorted(maps.Keys(origins)), ", ")), zap.Int64("queries so far", n))
	}
}

// query sends a query to all nodes and returns the replies that arrive until all processes of from have replied, or the
// timeout is over. A nil query asks whether the nodes have caught up.
func (s *session) query(q *broadcast.Query, timeout time.Duration, from map[string]bool) (replies []controlMessage) {
	qs := &s.bus.queries
	id, incoming := qs.begin(len(from) + 16)
	defer qs.end(id)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	if s.publishControl(s.names.control(), appendControl(kindQuery, controlMessage{Origin: s.bus.originName(), ID: id, Query: q})) != nil {
		return nil
	}
	missing := maps.Clone(from)
	for len(missing) > 0 {
		select {
		case reply := <-incoming:
			replies = append(replies, reply)
			delete(missing, reply.Origin)
		case <-timer.C:
			return replies
		case <-s.ctx.Done():
			return replies
		}
	}
	return replies
}

func (q *queries) begin(room int) (id uint64, replies chan controlMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	replies = make(chan controlMessage, room)
	if q.waiting == nil {
		q.waiting = make(map[uint64]chan controlMessage)
	}
	q.waiting[q.last] = replies
	return q.last, replies
}

func (q *queries) end(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, id)
}

// deliver gives a reply to the query that waits for it.
func (q *queries) deliver(reply controlMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.waiting[reply.ID] <- reply: // a nil channel is never ready
	default:
	}
}

func (q *queries) currentSession() *session {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.session
}

func (q *queries) setSession(s *session) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.session = s
}

// reply answers the query of another node, on a goroutine of its own: the result may be large.
func (s *session) reply(query controlMessage) {
	qs := &s.bus.queries
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.replying >= maxReplying {
		return // the other node counts without this one
	}
	qs.replying++
	s.work.Go(func() {
		defer func() {
			qs.mu.Lock()
			qs.replying--
			qs.mu.Unlock()
		}()
		answer := controlMessage{Origin: s.bus.originName(), ID: query.ID, CaughtUp: isClosed(s.caughtUp)}
		if query.Query != nil {
			result := s.hub.AnswerQuery(*query.Query)
			answer.Result = &result
		}
		_ = s.publishControl(s.names.replies(query.Origin), appendControl(kindReply, answer)) // if it fails the session is about to end
	})
}
