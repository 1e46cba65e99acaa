package broadcast

import (
	"sync"
	"time"
)

// visitTask has a loop visit its connections.
type visitTask struct {
	loop  *Loop
	visit func(s *Subscriber)
	done  *sync.WaitGroup
}

// Run implements Task.
func (t *visitTask) Run() {
	t.loop.EachSubscriber(t.visit)
	t.loop.Walk(func() bool { // when all have been visited
		t.done.Done()
		return false
	})
}

// Visit calls visit for every connection of the node, on its loop, and returns when all have been visited or the time of wait has passed;
// then visit may be called still. It must not be called on a loop.
func (h *Hub) Visit(wait time.Duration, visit func(s *Subscriber)) {
	var running sync.WaitGroup
	for _, l := range h.loops {
		running.Add(1)
		l.Post(&visitTask{loop: l, visit: visit, done: &running})
	}
	all := make(chan struct{})
	go func() {
		running.Wait()
		close(all)
	}()
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case <-all:
	case <-timeout.C:
	}
}

// Directory is the app of s, nil where there is none.
func (s *Subscriber) Directory() *Directory { return s.directory }

// Channels returns the names of channels that s is subscribed to, at most so many.
func (s *Subscriber) Channels(most int) []string {
	names := make([]string, 0, min(most, len(s.subs)))
	for i := range s.subs {
		if len(names) == most {
			break
		}
		names = append(names, s.subs[i].group.topic.Name)
	}
	return names
}

// Users returns the ids of the users that s is a member of presence channels as, each once.
func (s *Subscriber) Users() (keys []string) {
	seen := make(map[string]bool)
	for i := range s.subs {
		if m := s.subs[i].member; m != nil && !seen[m.Key] {
			seen[m.Key] = true
			keys = append(keys, m.Key)
		}
	}
	return keys
}
