package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reverbd/broadcast"
)

// ended closes a dispatcher and returns what it has saved.
func ended(t *testing.T, b *bench) *bytes.Buffer {
	t.Helper()
	b.Dispatcher.Close(context.Background())
	var state bytes.Buffer
	if err := b.Save(&state); err != nil {
		t.Fatal(err)
	}
	return &state
}

// What one process has not told the next one tells; what it was telling, under the same id.
func TestSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.dead = true
		b := newBench(t, r)
		b.push(ChannelOccupied, "flying", "")
		after(time.Second)
		b.push(ChannelOccupied, "waiting", "")
		b.push(ChannelVacated, "left", "")
		b.push(ChannelVacated, "back", "")
		b.push(MemberRemoved, "presence-a", "7")
		b.Push("app", Event{Kind: ClientEvent, At: time.Now(), Channel: "c", Name: "client-x", Data: []byte(`{"a":"<&>"}`), Socket: 1<<32 | 1})
		state := ended(t, b)
		id := ""
		for line := range strings.Lines(state.String()) {
			if _, rest, ok := strings.Cut(line, `"batch":{"id":"`); ok {
				id, _, _ = strings.Cut(rest, `"`)
			}
		}

		r.kill(false)
		next := newBench(t, r)
		next.Pause()
		next.push(ChannelOccupied, "back", "") // before the state has come
		after(time.Second)
		if err := next.Restore(state); err != nil {
			t.Fatal(err)
		}
		next.Resume()
		after(time.Minute)
		want := []string{"channel_occupied flying", "channel_occupied waiting", "channel_vacated left", "client_event c", "member_removed presence-a 7"}
		if got := sorted(next.names()); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		for _, q := range next.got() {
			switch e := q.events[0]; {
			case e["channel"] == "flying" && (q.header.Get(headerID) != id || id == ""):
				t.Errorf("id %q, was %q", q.header.Get(headerID), id)
			case e["channel"] == "waiting" && q.events[1]["data"] != `{"a":"<&>"}`:
				t.Errorf("got %v", q.events)
			}
		}
		if s := next.Stats(); s.Waiting != 0 || s.Sent != 5 {
			t.Errorf("%+v", s)
		}
	})
}

// Whoever is there when a process ends is gone only if he does not come back to the next one.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		b := newBench(t, r)
		b.push(ChannelOccupied, "stays", "")
		b.push(ChannelOccupied, "goes", "")
		b.push(MemberAdded, "presence-a", "1")
		after(time.Second)
		for _, a := range []broadcast.Activity{
			{Kind: broadcast.ChannelOccupied, App: "app", Channel: "stays"},
			{Kind: broadcast.ChannelOccupied, App: "app", Channel: "goes"},
			{Kind: broadcast.MemberAdded, App: "app", Channel: "presence-a", User: "1"},
			{Kind: broadcast.SubscriptionCount, App: "app", Channel: "goes", Count: 1},
		} {
			b.Leave(a)
		}
		b.push(ChannelVacated, "goes", "") // its connections are closed
		b.LeaveAll()
		b.push(MemberRemoved, "presence-a", "1")
		b.push(ChannelOccupied, "late", "")
		state := ended(t, b)
		next := newBench(t, r)
		if err := next.Restore(state); err != nil {
			t.Fatal(err)
		}
		after(returnTime - time.Second)
		next.push(ChannelOccupied, "stays", "")
		next.push(MemberAdded, "presence-a", "1")
		after(time.Minute)
		want := []string{"channel_occupied stays", "channel_occupied goes", "member_added presence-a 1", "channel_vacated goes"}
		if got := next.names(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// One process hands over to the next one while both have connections.
func TestHandOver(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		synctest.Test(t, func(t *testing.T) {
			r := newReceiver(t)
			old, next := newBench(t, r), newBench(t, r)
			if dir != "" {
				if err := old.Keep(dir); err != nil {
					t.Fatal(err)
				}
			}
			old.push(ChannelOccupied, "stays", "")
			old.push(ChannelOccupied, "goes", "")
			after(time.Second)
			old.push(CacheMiss, "cache-a", "")
			next.Pause()
			next.push(ChannelOccupied, "stays", "") // the first are there before the old process knows
			old.Leave(broadcast.Activity{Kind: broadcast.ChannelOccupied, App: "app", Channel: "stays"})
			old.Leave(broadcast.Activity{Kind: broadcast.ChannelOccupied, App: "app", Channel: "goes"})
			old.LeaveAll()
			from, to := io.Pipe()
			took := make(chan error, 1)
			go func() { took <- next.TakeOver(from, dir) }()
			if err := old.HandOver(context.Background(), to); err != nil {
				t.Fatal(err)
			}
			after(time.Second)
			old.push(ChannelVacated, "stays", "")
			old.push(ChannelVacated, "goes", "")
			old.Push("app", Event{Kind: ClientEvent, At: time.Now(), Channel: "stays", Name: "client-last", Socket: 1<<32 | 1})
			after(time.Second)
			old.Dispatcher.Close(context.Background())
			_ = to.Close()
			if err := <-took; err != nil {
				t.Error(err)
			}
			after(time.Minute)
			want := []string{"channel_occupied stays", "channel_occupied goes", "cache_miss cache-a", "client_event stays", "channel_vacated goes"}
			if got := next.names(); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// A process that is killed while it hands over has told all that it knew to its journal.
func TestHandOverCutShort(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.dead = true
		old := newBench(t, r)
		if err := old.Keep(dir); err != nil {
			t.Fatal(err)
		}
		old.push(ChannelOccupied, "a", "")
		killed(old)
		r.kill(false)
		next := newBench(t, r)
		next.Pause()
		if err := next.TakeOver(strings.NewReader(`{"app":"app","url":"`), dir); err == nil {
			t.Error("that is all?")
		}
		after(time.Second)
		if got := next.names(); !slices.Equal(got, []string{"channel_occupied a"}) {
			t.Errorf("told %q", got)
		}
		killed(next)
	})
}

// killed is a dispatcher that ends without a word: only its journal is left.
func killed(b *bench) {
	synctest.Wait()
	b.Dispatcher.mu.Lock()
	b.journal.close()
	b.journal = nil
	b.Dispatcher.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.Dispatcher.Close(ctx)
}

// A process that is killed leaves its journal: nothing that was taken is told again, what was on its way is, under the same id.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		b := newBench(t, r)
		if err := b.Keep(dir); err != nil {
			t.Fatal(err)
		}
		b.push(ChannelOccupied, "told", "")
		b.push(MemberAdded, "presence-a", "1")
		b.push(ChannelOccupied, "short", "")
		after(time.Second)
		b.push(ChannelVacated, "short", "")
		after(10 * time.Second)
		r.kill(true)
		b.client.CloseIdleConnections()
		b.push(ChannelOccupied, "flying", "")
		after(time.Second)
		b.push(ChannelOccupied, "waiting", "")
		killed(b)

		r.kill(false)
		next := newBench(t, r)
		if err := next.Keep(dir); err != nil {
			t.Fatal(err)
		}
		next.push(ChannelOccupied, "told", "") // its clients come back
		next.push(ChannelOccupied, "flying", "")
		after(time.Minute)
		want := []string{
			"channel_occupied told", "member_added presence-a 1", "channel_occupied short", "channel_vacated short",
			"channel_occupied flying", "channel_occupied waiting", "member_removed presence-a 1", "channel_vacated waiting",
		}
		got := next.names()
		slices.Sort(got[4:6]) // two batches are on their way at a time
		slices.Sort(got[6:])
		slices.Sort(want[6:])
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		killed(next)

		last := newBench(t, r)
		if err := last.Keep(dir); err != nil {
			t.Fatal(err)
		}
		after(time.Minute)
		got = last.names()
		if want := []string{"channel_vacated flying", "channel_vacated told"}; len(got) != 10 || !slices.Equal(sorted(got[8:]), want) {
			t.Errorf("told %q", got)
		}
		killed(last)
	})
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// A journal is rewritten when it has grown, and does not grow with what is over.
func TestJournalGrows(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t))
		if err := b.Keep(dir); err != nil {
			t.Fatal(err)
		}
		largest := int64(0)
		for n := range 1000 {
			b.Push("app", Event{Kind: ClientEvent, At: time.Now(), Channel: "c", Name: "client-x", Data: bytes.Repeat([]byte("1"), 10_000), Socket: 1<<32 | 1})
			if n%10 == 0 {
				after(time.Second)
				if info, err := os.Stat(filepath.Join(dir, journalName)); err != nil {
					t.Fatal(err)
				} else {
					largest = max(largest, info.Size())
				}
			}
		}
		if largest > 2*growth {
			t.Errorf("the journal has become %d bytes long", largest)
		}
		killed(b)
	})
}

// One server has a directory at a time, and what it cannot read it does not lose.
func TestJournalRefuses(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		b, other := newBench(t, r), newBench(t, r)
		if err := b.Keep(dir); err != nil {
			t.Fatal(err)
		}
		if err := other.Keep(dir); err == nil || !strings.Contains(err.Error(), "another server") {
			t.Errorf("two at a time: %v", err)
		}
		killed(b)
		path := filepath.Join(dir, journalName)
		if err := os.WriteFile(path, []byte("not one of ours\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := other.Keep(dir); err == nil || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("something else: %v", err)
		}
		if text, _ := os.ReadFile(path); string(text) != "not one of ours\n" {
			t.Errorf("the file is %q", text)
		}
		if err := other.Keep(filepath.Join(dir, "none")); err == nil {
			t.Error("a directory that does not exist")
		}
	})
}

// Whatever a file holds, reading it neither fails otherwise than with an error nor brings more than is in it.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"app":"a","url":"u","item":{"ref":"1","kind":"cache_miss","channel":"c","due":"2026-11-28T00:00:00Z","text":{}}}` + "\n" +
		`{"app":"a","url":"u","batch":{"id":"x","first":"2026-11-28T00:00:00Z","refs":["1","2"]}}` + "\n" + `{"app":"a","here":{"channel":"c","user":"1"}}` + "\n"))
	f.Add([]byte(`{"app":"a","url":"u","gone":["1"]}` + "\n" + `{"app":"a","url":"u","done":"x"}` + "\n" + `{"app":"a","away":{"channel":"c"}}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s saved
		if s.read(bytes.NewReader(text)) != nil {
			return
		}
		lines := bytes.Count(text, []byte("\n"))
		n := len(s.here)
		for _, e := range s.endpoints {
			n += len(e.waiting)
		}
		if n > lines {
			t.Errorf("%d things of %d lines", n, lines)
		}
	})
}

func ExampleEvent_Append() {
	e := Event{Kind: ClientEvent, Channel: "presence-room", Name: "client-typing", Data: []byte(`{"on":true}`), User: "7", Socket: 12<<32 | 34}
	fmt.Println(string(e.Append(nil)))
	// Output: {"name":"client_event","channel":"presence-room","event":"client-typing","data":"{\"on\":true}","socket_id":"12.34","user_id":"7"}
}
