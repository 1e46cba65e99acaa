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
const answerTime = 800 * time.Millisecond

// maxLetter bounds all letters but answers, in bytes: a question may name a hundred channels.
const maxLetter = 1 << 20

// maxAnswering bounds the questions that this node answers at the same time.
const maxAnswering = 16

// asks is the questions that wait for answers. Safe for concurrent use.
type asks struct {
	mu        sync.Mutex
	last      uint64
	open      map[uint64]chan letter
	answering int
	session   *session // nil while there is none
}

// Ask implements broadcast.Bus.
func (b *Bus) Query(q broadcast.Query) []broadcast.QueryResult {
	s := b.asks.current()
	if s == nil {
		return nil
	}
	expected := b.peers.expected()
	letters := s.question(&q, answerTime, expected)
	facts := make([]broadcast.QueryResult, 0, len(letters))
	for _, l := range letters {
		delete(expected, l.Origin)
		if l.Facts != nil {
			facts = append(facts, *l.Facts)
		}
	}
	if len(expected) > 0 && s.ctx.Err() == nil {
		b.missed(expected)
	}
	return facts
}

// missed notes who did not answer.
func (b *Bus) missed(origins map[string]bool) {
	for origin := range origins {
		b.peers.hush(origin)
	}
	n := b.stats.unheard.Add(1)
	if b.silent.ready() {
		b.log.Warn("a node does not answer: counts are without its clients",
			zap.String("nodes", strings.Join(slices.Sorted(maps.Keys(origins)), ", ")), zap.Int64("questions so far", n))
	}
}

// question puts a question to all nodes and returns what came until all who are expected have answered, or the time is over. A nil question asks
// whether they hear.
func (s *session) question(q *broadcast.Query, patience time.Duration, expected map[string]bool) (letters []letter) {
	a := &s.bus.asks
	id, answers := a.begin(len(expected) + 16)
	defer a.end(id)
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	if s.write(s.names.control(), appendLetter(kindQuestion, letter{Origin: s.bus.originName(), ID: id, Question: q})) != nil {
		return nil
	}
	waiting := maps.Clone(expected)
	for len(waiting) > 0 {
		select {
		case l := <-answers:
			letters = append(letters, l)
			delete(waiting, l.Origin)
		case <-timeout.C:
			return letters
		case <-s.ctx.Done():
			return letters
		}
	}
	return letters
}

func (a *asks) begin(room int) (id uint64, answers chan letter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	answers = make(chan letter, room)
	if a.open == nil {
		a.open = make(map[uint64]chan letter)
	}
	a.open[a.last] = answers
	return a.last, answers
}

func (a *asks) end(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, id)
}

// answered brings an answer to who waits for it.
func (a *asks) answered(l letter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case a.open[l.ID] <- l: // a nil channel is never ready
	default:
	}
}

func (a *asks) current() *session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.session
}

func (a *asks) serve(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.session = s
}

// letter handles a message that is JSON.
func (s *session) letter(k kind, m *goredis.Message) error {
	if k != kindAnswer && len(m.Payload) > maxLetter {
		return errMessage
	}
	l, err := parseLetter(m.Payload)
	if err != nil {
		return err
	}
	if l.Origin == s.bus.originName() {
		return nil
	}
	switch k {
	case kindQuestion:
		s.answer(l)
	case kindAnswer:
		s.bus.asks.answered(l)
	case kindHello:
		if originOf(l.Node) != l.Origin {
			return errMessage
		}
		s.bus.peers.meet(l.Node)
		if m.Channel == s.names.control() { // it may not have heard that we are here
			s.work.Go(func() { _ = s.write(s.names.answers(l.Origin), s.hello()) })
		}
	case kindGoodbye:
		s.bus.peers.part(l.Node)
	}
	return nil
}

// answer answers another node's question, on a goroutine of its own: what a node has may be long.
func (s *session) answer(l letter) {
	a := &s.bus.asks
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answering >= maxAnswering {
		return // who asks does without
	}
	a.answering++
	s.work.Go(func() {
		defer func() {
			a.mu.Lock()
			a.answering--
			a.mu.Unlock()
		}()
		reply := letter{Origin: s.bus.originName(), ID: l.ID, Hears: s.hears()}
		if l.Question != nil {
			facts := s.hub.AnswerQuery(*l.Question)
			reply.Facts = &facts
		}
		_ = s.write(s.names.answers(l.Origin), appendLetter(kindAnswer, reply)) // if it fails the session is about to end
	})
}

// hears reports that everything wanted is heard.
func (s *session) hears() bool {
	select {
	case <-s.caught:
		return true
	default:
		return false
	}
}
