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
	heartbeats string    // its signs of life
	changedAt  time.Time // when that was first seen
	suspected  bool      // did not answer a question; it is not waited for until it is heard of again
}

func newPeers() *peers { return &peers{nodes: make(map[string]*peer)} }

// originOf is the process of a node.
func originOf(node string) string {
	origin, _, _ := strings.Cut(node, "-")
	return origin
}

// see takes in what Redis knows of all nodes but those of the process self, and returns the nodes that have shown no sign of life for so long, with
// their counts.
func (p *peers) update(all map[string]string, self string, lease time.Duration, now time.Time) (dead map[string]string) {
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
		if seen == nil || seen.heartbeats != count {
			p.nodes[node] = &peer{heartbeats: count, changedAt: now}
		} else if now.Sub(seen.changedAt) > lease {
			dead[node] = count
		}
	}
	return dead
}

// meet takes in a node that says that it is there.
func (p *peers) add(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nodes[node] == nil {
		p.nodes[node] = &peer{changedAt: time.Now()}
	}
}

// part forgets a node.
func (p *peers) remove(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.nodes, node)
}

// excuse forgives everybody the time in which this node could not look.
func (p *peers) resetLeases(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seen := range p.nodes {
		seen.changedAt = now
	}
}

// hush notes that a process does not answer.
func (p *peers) suspect(origin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node, seen := range p.nodes {
		if originOf(node) == origin {
			seen.suspected = true
		}
	}
}

// expected is the processes that should answer a question.
func (p *peers) responsive() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	origins := make(map[string]bool)
	for node, seen := range p.nodes {
		if !seen.suspected {
			origins[originOf(node)] = true
		}
	}
	return origins
}

func (p *peers) count() int { return len(p.responsive()) }
