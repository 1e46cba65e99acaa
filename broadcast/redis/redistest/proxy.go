// Package redistest is a network between a Redis and its clients that can be slow, stop, and be cut, for tests.
package redistest

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Direction is one of the two in which bytes go.
type Direction int

// The directions, which may be added up.
const (
	Commands Direction = 1 << iota // to Redis
	Replies                        // from Redis
)

// Proxy forwards TCP connections to a Redis. Nothing is wrong with it until it is told. Safe for concurrent use.
type Proxy struct {
	network, target string
	listener        net.Listener
	work            sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond // stalled or closed
	min, max time.Duration
	stalled  Direction
	links    map[*link]bool
	closed   bool
}

// NewProxy forwards what comes to an address, such as 127.0.0.1:0, to the Redis at a target on "tcp" or "unix".
func NewProxy(listen, network, target string) (*Proxy, error) {
	l, err := net.Listen("tcp4", listen)
	if err != nil {
		return nil, err
	}
	p := &Proxy{network: network, target: target, listener: l, links: make(map[*link]bool)}
	p.changed = sync.NewCond(&p.mu)
	p.work.Go(p.accept)
	return p, nil
}

// Addr is where clients find the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends all connections and waits until nothing of the proxy runs.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut()
	p.work.Wait()
}

// Delay has all bytes arrive so much later, in each direction, at random between the two; their order stays.
func (p *Proxy) Delay(shortest, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.min, p.max = shortest, longest
}

// Stall stops all bytes of a direction, as a network does that drops packets; 0 lets all go on.
func (p *Proxy) Stall(d Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = d
	p.changed.Broadcast()
}

// Cut ends all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// CutReplies ends every connection that there is now in the middle of the next reply.
func (p *Proxy) CutReplies() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cutReply = true
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(c) })
	}
}

// link is one connection.
type link struct {
	client, redis net.Conn
	cutReply      bool
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.redis.Close()
}

func (p *Proxy) serve(c net.Conn) {
	r, err := net.DialTimeout(p.network, p.target, 2*time.Second)
	if err != nil {
		_ = c.Close()
		return
	}
	l := &link{client: c, redis: r}
	p.mu.Lock()
	p.links[l] = true
	if p.closed {
		l.close()
	}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.forward(l, c, r, Commands) })
	both.Go(func() { p.forward(l, r, c, Replies) })
	both.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// chunk is bytes on their way.
type chunk struct {
	bytes []byte
	due   time.Time
}

// forward takes bytes from one side to the other. Reading goes on while they are on their way: it is a delay, not a bound of what passes.
func (p *Proxy) forward(l *link, from, to net.Conn, d Direction) {
	defer l.close()
	way := make(chan chunk, 4096)
	var writing sync.WaitGroup
	writing.Go(func() {
		for c := range way {
			<-time.After(time.Until(c.due))
			cut, open := p.pass(l, d)
			if cut {
				_, _ = to.Write(c.bytes[:len(c.bytes)/2])
			}
			if cut || !open {
				break
			}
			if _, err := to.Write(c.bytes); err != nil {
				break
			}
		}
		l.close()
		for range way { // the reader may be waiting for room
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			way <- chunk{append([]byte(nil), buf[:n]...), time.Now().Add(p.delay())}
		}
		if err != nil {
			break
		}
	}
	close(way)
	writing.Wait()
}

func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.max <= p.min {
		return p.min
	}
	return p.min + rand.N(p.max-p.min)
}

// pass waits while the direction is stalled, and says whether the connection is to be cut here. open is false once the proxy is closed.
func (p *Proxy) pass(l *link, d Direction) (cut, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled&d != 0 && !p.closed {
		p.changed.Wait()
	}
	return d == Replies && l.cutReply, !p.closed
}
