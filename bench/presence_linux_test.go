package bench_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"reverbd/bench"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// join puts a client in the presence channel, and tells it and the others.
func (f *fake) join(c *fakeClient, s pusher.Subscribe) {
	c.member = bytes.Clone(s.ChannelData)
	_, _ = c.Write(ws.AppendFrame(nil, ws.OpText, f.roster(c, s.Channel)))
	f.news(c, pusher.AppendMemberAdded(nil, s.Channel, c.member))
}

// leave takes a client out of the presence channel, and tells the others.
func (f *fake) leave(c *fakeClient) {
	member, err := pusher.ParseMember(c.member)
	if err != nil {
		return
	}
	c.member = nil
	f.news(c, pusher.AppendMemberRemoved(nil, "presence-bench-0", member.ID))
}

// roster is wrong by miscount for a joiner.
func (f *fake) roster(c *fakeClient, channel []byte) []byte {
	var r pusher.Roster
	for _, other := range f.clients {
		if m, err := pusher.ParseMember(other.member); err == nil {
			r.Append(m)
		}
	}
	text := pusher.AppendPresenceSucceeded(nil, channel, &r)
	if isJoiner(c.member) {
		count := func(n int) []byte { return fmt.Appendf(nil, `"count\":%d,`, n) }
		text = bytes.Replace(text, count(r.Count()), count(r.Count()+f.miscount), 1)
	}
	return text
}

func isJoiner(text []byte) bool { return bytes.IndexByte(text, '@') >= 0 }

// news tells all members but one. Only what is about joiners comes with faults.
func (f *fake) news(about *fakeClient, text []byte) {
	frame := ws.AppendFrame(nil, ws.OpText, text)
	for _, c := range f.clients {
		switch {
		case c == about || c.member == nil:
		case isJoiner(text):
			f.write(c, frame)
		default:
			_, _ = c.Write(frame)
		}
	}
}

// TestPresenceHidesNothing lets a server tell the wrong things about who comes and goes.
func TestPresenceHidesNothing(t *testing.T) {
	var held []byte
	for name, c := range map[string]struct {
		f    *fake
		want []string
	}{
		"nothing wrong": {&fake{}, nil},
		"one of ten lost": {&fake{deliver: func(n int, frame []byte) [][]byte {
			if n%10 == 0 {
				return nil
			}
			return [][]byte{frame}
		}}, []string{"20 messages lost", "members with a wrong roster: 4"}},
		"one of ten doubled": {&fake{deliver: func(n int, frame []byte) [][]byte {
			if n%10 == 0 {
				return [][]byte{frame, frame}
			}
			return [][]byte{frame}
		}}, []string{"20 messages delivered twice", "members with a wrong roster: 4"}},
		"one of ten late": {&fake{deliver: func(n int, frame []byte) [][]byte {
			switch n % 10 {
			case 3: // all members get the same, one after the other
				held = frame
				return nil
			case 4:
				return [][]byte{frame, held}
			}
			return [][]byte{frame}
		}}, []string{"20 messages out of order"}},
		"wrong counts": {&fake{miscount: 1}, []string{"wrong counts on joining: 25"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := scenario("presence", c.f.start(t))
			o.Connections, o.Joiners, o.Events, o.Rate, o.StallTimeout = 4, 1, 50, 500, 200*time.Millisecond
			report := run(t, o)
			m := report.Runs[0].Server
			if got, want := strings.Join(m.Faults(), ", "), strings.Join(c.want, ", "); got != want {
				t.Errorf("faults are %q, want %q", got, want)
			}
			if m.Messages.Published != 50 || m.Messages.Expected != 200 {
				t.Errorf("%+v", m.Messages)
			}
		})
	}
}

// TestJoinersTakeTurns has several joiners come and go as fast as it is seen.
func TestJoinersTakeTurns(t *testing.T) {
	var f fake
	o := with(scenario("presence", f.start(t)), func(o *bench.Options) { o.Joiners = 3 })
	m := run(t, o).Runs[0].Server
	if faults := m.Faults(); len(faults) > 0 || m.Messages.Delivered != int64(40*60) {
		t.Errorf("%q %+v", faults, m.Messages)
	}
}
