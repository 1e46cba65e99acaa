package apps

import (
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	type message struct {
		at   time.Duration // since the first
		want bool
	}
	second := func(s float64, want bool) message { return message{time.Duration(s * float64(time.Second)), want} }
	tests := []struct {
		name     string
		limit    RateLimit
		messages []message
	}{
		{
			"so many and no more", RateLimit{MaxAttempts: 2, Decay: 10 * time.Second},
			[]message{second(0, true), second(0, true), second(0, false), second(9, false)},
		},
		{
			"the window begins with the first message and does not slide", RateLimit{MaxAttempts: 2, Decay: 10 * time.Second},
			[]message{second(0, true), second(9, true), second(9.5, false), second(10, true), second(10, true), second(19.9, false), second(20, true)},
		},
		{
			"refused messages are not counted", RateLimit{MaxAttempts: 1, Decay: 10 * time.Second},
			[]message{second(0, true), second(1, false), second(2, false), second(10, true), second(11, false)},
		},
		{
			"a window may be long over", RateLimit{MaxAttempts: 1, Decay: time.Second},
			[]message{second(0, true), second(3600, true), second(3600.5, false), second(3601, true)},
		},
		{
			"nothing is allowed", RateLimit{MaxAttempts: 0, Decay: time.Second},
			[]message{second(0, false), second(1, false), second(100, false)},
		},
	}
	start := time.Unix(1_700_000_000, 0)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l limiter
			for i, m := range tt.messages {
				if got := l.allow(tt.limit, start.Add(m.at)); got != m.want {
					t.Errorf("message %d, after %v: %v", i, m.at, got)
				}
			}
		})
	}
}
