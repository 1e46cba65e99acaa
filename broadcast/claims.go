package broadcast

import (
	"errors"
	"sync"
	"time"
)

// Claims decide for all nodes which of several requests with one key is the first. A Bus that has them is asked; without one the node
// decides alone.
type Claims interface {
	// Claim makes the caller the first with the key, for ttl. If another was the first, won is false, and answer is what it has
	// settled, nil while it has not. An error means that nobody can say.
	Claim(app, key string, ttl time.Duration) (won bool, answer []byte, err error)
	// Settle keeps the answer of the first for ttl.
	Settle(app, key string, answer []byte, ttl time.Duration) error
	// Forget lets the next one be the first.
	Forget(app, key string)
}

// ErrTooManyClaims is returned for more than maxClaims keys of one app within their time to live.
var ErrTooManyClaims = errors.New("broadcast: too many idempotency keys")

// maxClaims bounds the keys of one app that a node alone remembers.
const maxClaims = 1 << 16

// Claim is that of Claims for the app of d, as are Settle and Forget. With a bus they wait, so they must not be called on a loop.
func (d *Directory) Claim(key string, ttl time.Duration) (won bool, answer []byte, err error) {
	return d.ledger().Claim(d.App, key, ttl)
}

// Settle is that of Claims: see Claim.
func (d *Directory) Settle(key string, answer []byte, ttl time.Duration) error {
	return d.ledger().Settle(d.App, key, answer, ttl)
}

// Forget is that of Claims: see Claim.
func (d *Directory) Forget(key string) { d.ledger().Forget(d.App, key) }

func (d *Directory) ledger() Claims {
	if bus, ok := d.hub.bus.(Claims); ok {
		return bus
	}
	d.claims.now = d.hub.now
	return &d.claims
}

// claims is the Claims of a node alone, of one app. Safe for concurrent use.
type claims struct {
	now   func() time.Time
	mu    sync.Mutex
	byKey map[string]*claim
	order []*claim // by the time of the claim
}

type claim struct {
	key     string
	answer  []byte
	expires time.Time
}

// Claim implements Claims.
func (c *claims) Claim(_, key string, ttl time.Duration) (won bool, answer []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.expire(now)
	if first := c.byKey[key]; first != nil && now.Before(first.expires) {
		return false, first.answer, nil
	}
	if len(c.order) >= maxClaims {
		return false, nil, ErrTooManyClaims
	}
	if c.byKey == nil {
		c.byKey = make(map[string]*claim)
	}
	first := &claim{key: key, expires: now.Add(ttl)}
	c.byKey[key] = first
	c.order = append(c.order, first)
	return true, nil, nil
}

// expire drops the claims at the head of the list that have expired. The lock is held.
func (c *claims) expire(now time.Time) {
	n := 0
	for n < len(c.order) && !now.Before(c.order[n].expires) {
		if old := c.order[n]; c.byKey[old.key] == old {
			delete(c.byKey, old.key)
		}
		c.order[n] = nil
		n++
	}
	if c.order = c.order[n:]; len(c.order) == 0 {
		c.order, c.byKey = nil, nil
	}
}

// Settle implements Claims.
func (c *claims) Settle(_, key string, answer []byte, _ time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.byKey[key]; first != nil {
		first.answer = answer
	}
	return nil
}

// Forget implements Claims.
func (c *claims) Forget(_, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byKey, key)
}
