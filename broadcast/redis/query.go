package redis

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"reverbd/broadcast"
)

// answerTime is how long the other nodes may take to answer.
const queryTimeout = 800 * time.Millisecond

// maxLetter bounds all letters but answers, in bytes: a question may name a hundred channels.
const maxControlMessage = 1 << 20

// maxAnswering bounds the questions that this node answers at the same time.
const maxReplying = 16

// asks is the questions that wait for answers. Safe for concurrent use.
type queries struct {
	mu       sync.Mutex
	last     uint64
	waiting  map[uint64]chan controlMessage
	replying int
	session  *session // nil while there is none
}

// Ask implements broadcast.Bus.
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

// missed notes who did not answer.
func (b *Bus) suspectUnanswered(origins map[string]bool) {
	for origin := range origins {
		b.peers.suspect(origin)
	}
	n := b.stats.unanswered.Add(1)
	if b.unansweredLog.allow() {
		b.log.Warn("a node does not answer: counts are without its clients",
			zap.String("nodes", strings.Join(slices.Sorted(maps.Keys(origins)), ", ")), zap.Int64("questions so far", n))
	}
}

// question puts a question to all nodes and returns what came until all who are expected have answered, or the time is over. A nil question asks
// whether they hear.
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

// answered brings an answer to who waits for it.
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

// letter handles a message that is JSON.
func (s *session) handleControl(k kind, m *goredis.Message) error {
	if k != kindReply && len(m.Payload) > maxControlMessage {
		return errMessage
	}
	c, err := parseControl(m.Payload)
	if err != nil {
		return err
	}
	if c.Origin == s.bus.originName() {
		return nil
	}
	switch k {
	case kindQuery:
		s.reply(c)
	case kindReply:
		s.bus.queries.deliver(c)
	case kindHello:
		if originOf(c.Node) != c.Origin {
			return errMessage
		}
		s.bus.peers.add(c.Node)
		if m.Channel == s.names.control() { // it may not have heard that we are here
			s.work.Go(func() { _ = s.publishControl(s.names.replies(c.Origin), s.hello()) })
		}
	case kindGoodbye:
		s.bus.peers.remove(c.Node)
	}
	return nil
}

// answer answers another node's question, on a goroutine of its own: what a node has may be long.
func (s *session) reply(query controlMessage) {
	qs := &s.bus.queries
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.replying >= maxReplying {
		return // who asks does without
	}
	qs.replying++
	s.work.Go(func() {
		defer func() {
			qs.mu.Lock()
			qs.replying--
			qs.mu.Unlock()
		}()
		answer := controlMessage{Origin: s.bus.originName(), ID: query.ID, CaughtUp: s.isCaughtUp()}
		if query.Query != nil {
			result := s.hub.AnswerQuery(*query.Query)
			answer.Result = &result
		}
		_ = s.publishControl(s.names.replies(query.Origin), appendControl(kindReply, answer)) // if it fails the session is about to end
	})
}

// hears reports that everything wanted is heard.
func (s *session) isCaughtUp() bool {
	select {
	case <-s.caughtUp:
		return true
	default:
		return false
	}
}
