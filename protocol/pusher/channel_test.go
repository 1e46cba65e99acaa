package pusher

import (
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		name string
		want Kind
	}{
		{"news", 0},
		{"", 0},
		{"private-a", Private},
		{"private-", Private},
		{"private", 0},
		{"privatefoo", 0},
		{"Private-a", 0},
		{"presence-a", Presence},
		{"presence", 0},
		{"presencefoo", 0},
		{"cache-a", Cache},
		{"cache", 0},
		{"cachefoo", 0},
		{"private-cache-a", Private | Cache},
		{"private-cache", Private},
		{"presence-cache-a", Presence | Cache},
		{"presence-cache", Presence},
		{"private-encrypted-a", Private | Encrypted},
		{"private-encrypted", Private},
		{"private-encrypted-cache-a", Private | Encrypted | Cache},
		{"private-encrypted-cache", Private | Encrypted},
		{"cache-private-a", Cache},
		{"#server-to-user-1", ToUser},
		{"#server-to-user-", ToUser},
		{"#server-to-user", 0},
		{"server-to-user-1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := KindOf(c.name)
			if k != c.want || KindOf([]byte(c.name)) != c.want {
				t.Errorf("got %b, want %b", k, c.want)
			}
			has := func(bit Kind) bool { return c.want&bit != 0 }
			if k.NeedsAuth() != (has(Private) || has(Presence)) || k.IsPresence() != has(Presence) || k.IsCache() != has(Cache) ||
				k.IsServerToUser() != has(ToUser) {
				t.Error("a method says otherwise")
			}
		})
	}
}

func TestValidName(t *testing.T) {
	for _, c := range []struct {
		what, name string
		want       bool
	}{
		{"ordinary", "private-orders.1847", true},
		{"zero", "0", true},
		{"what Pusher refuses", `a b/c"d\e<😀>`, true},
		{"empty", "", false},
		{"longest", strings.Repeat("a", 200), true},
		{"too long", strings.Repeat("a", 201), false},
		{"too long in bytes", strings.Repeat("é", 101), false},
		{"new line", "a\nb", false},
		{"NUL", "a\x00", false},
		{"unit separator", "\x1f", false},
		{"DEL", "a\x7f", false},
		{"first of C1", "a\u0080", false},
		{"last of C1", "a\u009f", false},
		{"non-breaking space", "a\u00a0", true},
		{"invalid UTF-8", "a\xff", false},
		{"UTF-8 cut short", "a\xe2\x82", false},
		{"overlong", "\xc0\xaf", false},
		{"U+FFFD itself", "\ufffd", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			if ValidName(c.name) != c.want || ValidName([]byte(c.name)) != c.want {
				t.Errorf("%q: want %v", c.name, c.want)
			}
		})
	}
}

func TestChannelDoesNotAllocate(t *testing.T) {
	name := []byte("private-encrypted-cache-with-a-rather-long-näme")
	if n := testing.AllocsPerRun(100, func() {
		if !ValidName(name) || !KindOf(name).IsCache() {
			t.Fatal("wrong")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
