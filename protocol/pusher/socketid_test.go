package pusher

import (
	"regexp"
	"testing"
)

func TestSocketID(t *testing.T) {
	shape := regexp.MustCompile(`\A[1-9]\d{0,9}\.[1-9]\d{0,9}\z`)
	seen := make(map[SocketID]bool)
	for range 1000 {
		id := NewSocketID()
		if id == 0 || seen[id] || !shape.MatchString(id.String()) {
			t.Fatalf("bad id %v", id)
		}
		seen[id] = true
		if back, ok := ParseSocketID(id.String()); back != id || !ok {
			t.Fatalf("%v is parsed as %v, %v", id, back, ok)
		}
	}
}

func TestParseSocketID(t *testing.T) {
	for _, c := range []struct {
		text string
		want SocketID
	}{
		{"1.1", newSocketID(1, 1)},
		{"829374.55812", newSocketID(829374, 55812)},
		{"1000000000.1000000000", newSocketID(1_000_000_000, 1_000_000_000)},
		{"", 0},
		{".", 0},
		{"1", 0},
		{"1.", 0},
		{".1", 0},
		{"0.1", 0},
		{"1.0", 0},
		{"01.1", 0},
		{"1.01", 0},
		{"1000000001.1", 0},
		{"1.1000000001", 0},
		{"9999999999.1", 0},
		{"1.99999999999999999999", 0},
		{"+1.1", 0},
		{"-1.1", 0},
		{"1.1.1", 0},
		{" 1.1", 0},
		{"1.1\n", 0},
		{"1_0.1", 0},
		{"0x1.1", 0},
		{"1,1", 0},
		{"١.١", 0},
	} {
		t.Run(c.text, func(t *testing.T) {
			if id, ok := ParseSocketID(c.text); id != c.want || ok != (c.want != 0) {
				t.Errorf("got %v, %v", id, ok)
			}
			if id, ok := ParseSocketID([]byte(c.text)); id != c.want || ok != (c.want != 0) {
				t.Errorf("bytes: got %v, %v", id, ok)
			}
		})
	}
}

func FuzzParseSocketID(f *testing.F) {
	f.Add("829374.55812")
	f.Add("1.01")
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := ParseSocketID(text); ok && id.String() != text {
			t.Errorf("%q is parsed as %v", text, id)
		}
	})
}
