package redis

import (
	"testing"
)

// A message with any changed byte is refused: a wrong number would suppress later messages of its process.
func TestDamagedMessages(t *testing.T) {
	m := appendEnvelope(nil, kindEvent, envelope{origin: 1, number: 2, except: 3, payload: []byte(`{"event":"e"}`)})
	if s, err := parseEnvelope(string(m), false); err != nil || s.origin != 1 || s.number != 2 || s.except != 3 || string(s.payload) != `{"event":"e"}` {
		t.Fatal(s, err)
	}
	for i := len(magic) + 1; i < len(m); i++ {
		m[i] ^= 4
		if s, err := parseEnvelope(string(m), false); err == nil {
			t.Errorf("byte %d may be changed: %+v", i, s)
		}
		m[i] ^= 4
	}
}

func TestParseChanges(t *testing.T) {
	tests := []struct {
		text string
		good bool
	}{
		{"7:8:3:ann1:2:{}", true},
		{"7:9:3:ann1:2:{}3:bob0:0:", true},
		{"7:9:3:ann1:2:{}", false}, // one change, and two versions
		{"7:9000:3:ann1:2:{}", false},
		{"8:7:3:ann1:2:{}", false},
		{"7:7:", false},
		{"7:8:4:ann1:2:{}", false},
		{"7:8:3:ann1:20:{}", false},
		{"7:8:0:1:2:{}", false},
		{"x", false},
		{"", false},
	}
	for _, tt := range tests {
		if c, err := parseChanges(string(appendHeader(nil, kindChanges)) + tt.text); (err == nil) != tt.good {
			t.Errorf("%q: %+v, %v", tt.text, c, err)
		}
	}
}
