package redis

import (
	"strings"
	"sync"
	"time"
)

// peers is the other nodes, as this one has seen them. A node is alive while the count of its signs of life goes up; nobody's clock is
// believed but one's own. Safe for concurrent use.
type peers struct {
	mu    sync.Mutex
	nodes map[string]*peer
}

type peer struct {
	count string    // its signs of life
	since time.Time // when that was first seen
	mute  bool      // did not answer a question; it is not waited for until it is heard of again
}

func newPeers() *peers { return &peers{nodes: make(map[string]*peer)} }

// originOf is the process of a node.
func originOf(node string) string {
	origin, _, _ := strings.Cut(node, "-")
	return origin
}

// see takes in what Redis knows of all nodes but those of the process self, and returns the nodes that have shown no sign of life for so long, with
// their counts.
func (p *peers) see(all map[string]string, self string, lease time.Duration, now time.Time) (dead map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node := range p.nodes {
		if _, ok := all[node]; !ok {
			delete(p.nodes, node)
		}
	}
	dead = make(map[string]string)
	for node, count := range all {
		if originOf(node) == self {
			continue
		}
		seen := p.nodes[node]
		if seen == nil || seen.count != count {
			p.nodes[node] = &peer{count: count, since: now}
		} else if now.Sub(seen.since) > lease {
			dead[node] = count
		}
	}
	return dead
}

// meet takes in a node that says that it is there.
func (p *peers) meet(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nodes[node] == nil {
		p.nodes[node] = &peer{since: time.Now()}
	}
}

// part forgets a node.
func (p *peers) part(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.nodes, node)
}

// excuse forgives everybody the time in which this node could not look.
func (p *peers) excuse(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seen := range p.nodes {
		seen.since = now
	}
}

// hush notes that a process does not answer.
func (p *peers) hush(origin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node, seen := range p.nodes {
		if originOf(node) == origin {
			seen.mute = true
		}
	}
}

// expected is the processes that should answer a question.
func (p *peers) expected() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	origins := make(map[string]bool)
	for node, seen := range p.nodes {
		if !seen.mute {
			origins[originOf(node)] = true
		}
	}
	return origins
}

func (p *peers) count() int { return len(p.expected()) }
