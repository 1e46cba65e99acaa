package broadcast

import (
	"errors"
	"testing"
)

// An app that publishes more than is delivered is refused, and another app is not: neither by what the first has waiting, nor when it
// publishes several events at once.
func TestAppsShareAMailbox(t *testing.T) {
	r := newTestHub(t, Options{MailboxBytes: 100_000})
	greedy, modest := r.app, r.NewDirectory("modest")
	r.subscribe(r.connect(0), "room", "")
	r.app = modest
	listener := r.connect(0)
	r.subscribe(listener, "room", "")

	publish := func(d *Directory) error { return d.Publish(nil, []byte("room"), textFrame("event"), 0) }
	taken := 0
	for publish(greedy) == nil {
		taken++
	}
	size := (&job{frame: textFrame("event")}).size()
	if waiting := int64(taken) * size; waiting < 79_000 || waiting > 81_000 {
		t.Errorf("%d bytes of one app, want four fifths of the mailbox", waiting)
	}
	for n := range 20 {
		if err := publish(modest); err != nil {
			t.Fatalf("event %d of the other app: %v", n, err)
		}
	}
	if err := publish(greedy); !errors.Is(err, ErrOverloaded) {
		t.Errorf("the greedy app may publish again: %v", err)
	}
	two := []Publication{{Channel: []byte("room"), Frame: textFrame("1")}, {Channel: []byte("room"), Frame: textFrame("2")}}
	if err := modest.PublishAll(nil, two); err != nil {
		t.Errorf("two events at once: %v", err)
	}
	r.drainAll()
	if n := greedy.waiting[0].Load() + modest.waiting[0].Load(); n != 0 {
		t.Errorf("%d bytes are counted when nothing waits", n)
	}
	if got := listener.texts(); len(got) != 22 {
		t.Errorf("%d events, want 22", len(got))
	}
	if err := publish(greedy); err != nil {
		t.Error(err)
	}
}
