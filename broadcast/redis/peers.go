package redis

import (
	"strings"
	"sync"
	"time"
)

// peers is the other nodes as this one has seen them. A node is alive while the count of its heartbeats rises; the time is
// measured by the clock of this node alone, so that clocks need not agree. Safe for concurrent use.
type peers struct {
	mu    sync.Mutex
	nodes map[string]*peer
}

type peer struct {
	heartbeats string    // number of heartbeats, as Redis has it
	changedAt  time.Time // when this node first saw that number
	suspected  bool      // did not reply to a query; queries do not wait for it until its next heartbeat
}

func newPeers() *peers { return &peers{nodes: make(map[string]*peer)} }

// originOf is the process of a node.
func originOf(node string) string {
	origin, _, _ := strings.Cut(node, "-")
	return origin
}

// update takes the nodes that Redis knows, except those of the process self. It returns the nodes whose heartbeats have
// stopped for longer than lease, with their counts.
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

// add adds a node that has sent a hello.
func (p *peers) add(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nodes[node] == nil {
		p.nodes[node] = &peer{changedAt: time.Now()}
	}
}

// remove removes a node.
func (p *peers) remove(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.nodes, node)
}

// resetLeases begins all leases anew, after a time in which this node could not read heartbeats.
func (p *peers) resetLeases(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seen := range p.nodes {
		seen.changedAt = now
	}
}

// suspect marks a process that did not reply to a query.
func (p *peers) suspect(origin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node, seen := range p.nodes {
		if originOf(node) == origin {
			seen.suspected = true
		}
	}
}

// responsive is the processes that queries wait for.
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
