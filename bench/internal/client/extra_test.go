package client

import (
	"strings"
	"testing"

	"reverbd/bench/internal/dialect"
	"reverbd/protocol/ws"
)

// TestExtra subscribes clients to channels of their own and to rooms.
func TestExtra(t *testing.T) {
	target := dialect.Target{Key: "k", Secret: "s"}
	for name, c := range map[string]struct {
		extra Extra
		i     int
		want  []string // channels
	}{
		"none":                   {Extra{}, 0, nil},
		"private":                {NewExtra(target, true, 0), 7, []string{`"private-bench-user-7"`}},
		"both":                   {NewExtra(target, true, 5), 10, []string{`"private-bench-user-10"`, `"presence-bench-room-0"`}},
		"the first of next room": {NewExtra(target, false, 5), 50, []string{`"presence-bench-room-1"`}},
		"in no room":             {NewExtra(target, false, 5), 51, nil},
	} {
		frames, n := c.extra.appendSubscribe(nil, []byte("1.2"), c.i)
		if n != len(c.want) {
			t.Errorf("%s: %d channels, want %q", name, n, c.want)
		}
		var reader ws.Reader
		for _, channel := range c.want {
			event, used, err := reader.Next(frames, 0)
			if err != nil || !strings.Contains(string(event.Payload), channel) {
				t.Errorf("%s: %s is not in %q: %v", name, channel, event.Payload, err)
			}
			frames = frames[used:]
		}
	}
}
