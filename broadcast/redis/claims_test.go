package redis

import (
	"testing"
	"time"
)

// Of all nodes one is the first with a key, and the others get its answer; without Redis nobody can say.
func TestClaimsAcrossNodes(t *testing.T) {
	r, a, b := newPair(t)
	claim := func(n *testNode, key string, first bool, want string) {
		t.Helper()
		won, answer, err := n.app.Claim(key, time.Minute)
		if err != nil || won != first || string(answer) != want {
			t.Errorf("claiming %s: %v %q %v", key, won, answer, err)
		}
	}
	claim(a, "k", true, "")
	claim(b, "k", false, "")
	if err := a.app.Settle("k", []byte("{}"), time.Minute); err != nil {
		t.Fatal(err)
	}
	claim(b, "k", false, "{}")
	claim(b, "other", true, "")
	b.app.Forget("other")
	claim(a, "other", true, "")
	if ttl := r.client.PTTL(t.Context(), a.bus.names.claim("app", "k")).Val(); ttl <= 0 || ttl > time.Minute {
		t.Errorf("the key expires in %v", ttl)
	}
	r.kill()
	if _, _, err := a.app.Claim("third", time.Minute); err == nil {
		t.Error("claimed without Redis")
	}
}
