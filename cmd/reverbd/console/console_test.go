package console

import (
	"strings"
	"testing"

	"reverbd/broadcast"
)

func newConsole() (*Console, *broadcast.Hub) {
	c := New()
	h := broadcast.NewHub(broadcast.Options{Watcher: c})
	c.Attach(h)
	return c, h
}

// Apps report only while somebody reads them.
func TestNobodyReads(t *testing.T) {
	c, h := newConsole()
	a, b := h.NewDirectory("a"), h.NewDirectory("b")
	expect := func(name string, wantA, wantB bool) {
		t.Helper()
		if gotA, gotB := a.Reports(broadcast.Refused), b.Reports(broadcast.Refused); gotA != wantA || gotB != wantB {
			t.Errorf("%s: a reports %v and b %v", name, gotA, gotB)
		}
	}
	expect("at first", false, false)
	one := c.Read(Filter{App: "a"})
	expect("one reads a", true, false)
	all := c.Read(Filter{})
	expect("another one all", true, true)
	b2 := h.NewDirectory("c")
	c.Refresh()
	if !b2.Reports(broadcast.Published) {
		t.Error("a new app is not read")
	}
	one.Close()
	all.Close()
	expect("nobody any more", false, false)
}

// Who asks for an app or a channel gets that alone.
func TestFilter(t *testing.T) {
	c, h := newConsole()
	a, b := h.NewDirectory("a"), h.NewDirectory("b")
	r := c.Read(Filter{App: "a", Channel: "private-*"})
	all := c.Read(Filter{})
	for _, d := range []*broadcast.Directory{a, b} {
		d.Observe(broadcast.Activity{Kind: broadcast.Subscribed, Channel: "private-x", Socket: 1})
		d.Observe(broadcast.Activity{Kind: broadcast.Subscribed, Channel: "news"})
		d.Observe(broadcast.Activity{Kind: broadcast.ConnectionOpened})
	}
	if n := len(r.Lines()); n != 1 {
		t.Fatalf("%d lines, want 1", n)
	}
	if l := <-r.Lines(); l.App != "a" || l.Channel != "private-x" || l.Kind != "subscribed" || l.Socket == "" {
		t.Errorf("%+v", l)
	}
	if n := len(all.Lines()); n != 6 {
		t.Errorf("%d lines of all, want 6", n)
	}
}

// A reader that does not read is not waited for, and learns how much is missing.
func TestSlowReader(t *testing.T) {
	c, h := newConsole()
	d := h.NewDirectory("a")
	r := c.Read(Filter{})
	const n = 3 * maxWaiting
	for range n {
		d.Observe(broadcast.Activity{Kind: broadcast.Published, Data: []byte(`{"a":1}`)})
	}
	got := int64(0)
	for len(r.Lines()) > 0 {
		l := <-r.Lines()
		got += 1 + l.Missing
	}
	if got += r.missing.Load(); got != n {
		t.Errorf("%d lines are accounted for, want %d", got, n)
	}
	if r.missing.Load() < n-2*maxRate {
		t.Errorf("only %d are left out", r.missing.Load())
	}
}

// What is too long, or no JSON, is not shown.
func TestData(t *testing.T) {
	c, h := newConsole()
	d := h.NewDirectory("a")
	r := c.Read(Filter{})
	data := []byte(`{"a":1}`)
	d.Observe(broadcast.Activity{Kind: broadcast.Published, Data: data})
	copy(data, "overwritten")
	if l := <-r.Lines(); string(l.Data) != `{"a":1}` {
		t.Errorf("data is %s", l.Data)
	}
	d.Observe(broadcast.Activity{Kind: broadcast.Published, Data: []byte(`"` + strings.Repeat("x", maxData) + `"`)})
	if l := <-r.Lines(); l.Data != nil || l.Cut != maxData+2 {
		t.Errorf("%d bytes are shown, %d cut", len(l.Data), l.Cut)
	}
	d.Observe(broadcast.Activity{Kind: broadcast.ClientEvent, Name: []byte("client-x"), Data: []byte("nonsense")})
	if l := <-r.Lines(); l.Data != nil || l.Event != "client-x" {
		t.Errorf("%+v", l)
	}
	for k, name := range kinds {
		if name == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
}
