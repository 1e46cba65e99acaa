package broadcast

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

// A node alone remembers a bounded number of keys, each for its time.
func TestClaims(t *testing.T) {
	now := time.Unix(1, 0)
	r := newTestHub(t, Options{Now: func() time.Time { return now }})
	for i := range maxClaims {
		if won, _, err := r.app.Claim(strconv.Itoa(i), time.Minute); !won || err != nil {
			t.Fatalf("claim %d: %v %v", i, won, err)
		}
	}
	if _, _, err := r.app.Claim("one more", time.Minute); !errors.Is(err, ErrTooManyClaims) {
		t.Errorf("one more: %v", err)
	}
	if won, _, err := r.app.Claim("0", time.Minute); won || err != nil {
		t.Errorf("a repeat: %v %v", won, err)
	}
	now = now.Add(time.Minute)
	if won, _, err := r.app.Claim("0", time.Minute); !won || err != nil || len(r.app.claims.byKey) != 1 {
		t.Errorf("after its time: %v %v, %d are kept", won, err, len(r.app.claims.byKey))
	}
}
