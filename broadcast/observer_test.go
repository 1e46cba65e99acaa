package broadcast

import (
	"fmt"
	"slices"
	"testing"
)

// observed is an Observer that writes down what it is told.
type observed struct{ list []string }

func (n *observed) Observe(a Activity) {
	names := [...]string{"occupied", "vacated", "added", "removed", "client event", "miss", "count", "opened", "closed"}
	s := names[a.Kind] + " " + a.App + " " + a.Channel
	if a.User != "" {
		s += " " + a.User
	}
	if a.Kind == SubscriptionCount {
		s += fmt.Sprint(" ", a.Count)
	}
	n.list = append(n.list, s)
}

func (n *observed) take() []string {
	list := n.list
	n.list = nil
	return list
}

// Everything that changes is told, once and in the order of each channel; what nobody asked for is not.
func TestObserver(t *testing.T) {
	told := &observed{}
	r := newTestHub(t, Options{Loops: 2, Observer: told})
	ann, ben, tab := r.connect(0), r.connect(1), r.connect(0)
	r.subscribe(ann, "quiet", "")
	r.app.Unsubscribe(ann.sub, []byte("quiet"))
	if got := told.take(); got != nil {
		t.Errorf("told of %q without being asked", got)
	}

	r.app.Report(1<<ChannelOccupied | 1<<ChannelVacated | 1<<MemberAdded | 1<<MemberRemoved | 1<<CacheMiss | 1<<SubscriptionCount)
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"the first", func() { r.subscribe(ann, "news", "") }, []string{"occupied app news", "count app news 1"}},
		{"the second", func() { r.subscribe(ben, "news", "") }, []string{"count app news 2"}},
		{"once more", func() { r.subscribe(ben, "news", "") }, nil},
		{"one leaves", func() { r.app.Unsubscribe(ann.sub, []byte("news")) }, []string{"count app news 1"}},
		{"the last leaves", func() { r.app.Unsubscribe(ben.sub, []byte("news")) }, []string{"count app news 0", "vacated app news"}},
		{"who was not there", func() { r.app.Unsubscribe(ben.sub, []byte("news")) }, nil},
		{"a member", func() { r.subscribe(ann, "presence-a", `"1"`) }, []string{"occupied app presence-a", "added app presence-a 1"}},
		{"another one", func() { r.subscribe(ben, "presence-a", `2`) }, []string{"added app presence-a 2"}},
		{"the same in another tab", func() { r.subscribe(tab, "presence-a", `"2"`) }, nil},
		{"as somebody else", func() { r.subscribe(ann, "presence-a", `"3"`) }, []string{"removed app presence-a 1", "added app presence-a 3"}},
		{"one tab closes", func() { r.loops[1].Remove(ben.sub) }, nil},
		{"the other too", func() { r.loops[0].Remove(tab.sub) }, []string{"removed app presence-a 2"}},
		{"an empty cache", func() { r.subscribe(ann, "cache-a", "") }, []string{"occupied app cache-a", "count app cache-a 1", "miss app cache-a"}},
		{"the last is gone", func() { r.loops[0].Remove(ann.sub) }, []string{
			"count app cache-a 0", "vacated app cache-a", "removed app presence-a 3", "vacated app presence-a",
		}},
	}
	for _, step := range steps {
		step.do()
		if got := told.take(); !slices.Equal(got, step.want) {
			t.Errorf("%s: told %q, want %q", step.name, got, step.want)
		}
		r.drainAll()
	}
}

// Who asks is told of everything that is here.
func TestPresent(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	ann, ben := r.connect(0), r.connect(1)
	r.subscribe(ann, "news", "")
	r.subscribe(ben, "news", "")
	r.subscribe(ann, "presence-a", `"1"`)
	r.subscribe(ben, "presence-a", `"2"`)
	r.subscribe(ben, "gone", "")
	r.app.Unsubscribe(ben.sub, []byte("gone"))
	told := &observed{}
	r.app.Present(told.Observe)
	slices.Sort(told.list)
	want := []string{"added app presence-a 1", "added app presence-a 2", "count app news 2", "occupied app news", "occupied app presence-a"}
	if !slices.Equal(told.list, want) {
		t.Errorf("present %q", told.list)
	}
}
