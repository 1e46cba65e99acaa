package workers

import (
	"errors"
	"os/exec"
	"sync"

	"reverbd/bench/internal/client"
)

// Pool is the clients of a run. The methods of Fleet that Pool does not define act on the clients of this process only.
type Pool struct {
	*client.Fleet

	total   int // connections of the run
	pairs   int // pairs of connections that whisper; 0 in other scenarios
	others  []*worker
	shares  []client.Share // the first is that of this process
	waiting sync.WaitGroup // calls of others that run
}

// Local returns a pool of this process alone.
func Local(f *client.Fleet) *Pool { return &Pool{Fleet: f} }

// Start starts a process for each share but the first, which own must have. self returns a command that calls Serve.
func Start(own *client.Fleet, c Config, shares []client.Share, self func() *exec.Cmd) (*Pool, error) {
	pool := &Pool{Fleet: own, total: c.Connections, pairs: c.Layout.Channels, shares: shares}
	for _, share := range shares[1:] {
		c.Share = share
		w, err := start(self(), c)
		if err != nil {
			return nil, errors.Join(err, pool.Close())
		}
		pool.others = append(pool.others, w)
	}
	return pool, nil
}

// Shares divides the connections among processes. block is the distance between the two connections of a pair, or the number of
// all connections where there are no pairs.
func Shares(processes, block int) []client.Share {
	shares := make([]client.Share, processes)
	for i := range shares {
		shares[i] = client.Share{Number: i, Of: processes, Block: block}
	}
	return shares
}

// all calls own, and has every other process execute the request that part returns for its share; a request without a Call is not
// sent. It returns when all are done.
func (p *Pool) all(own func(), part func(i int) request) []response {
	responses := make([]response, len(p.others))
	for i, w := range p.others {
		if o := part(i + 1); o.Call != "" {
			p.waiting.Go(func() { responses[i], _ = w.call(o) })
		}
	}
	own()
	p.waiting.Wait()
	return responses
}

// same returns a part for all that sends every process the same request.
func same(call string) func(int) request { return func(int) request { return request{Call: call} } }

// Connect is Fleet.Connect. The rate is divided among the processes by their number of connections.
func (p *Pool) Connect(perSecond float64) {
	rate := func(i int) float64 {
		if len(p.shares) == 0 {
			return perSecond
		}
		return perSecond * float64(p.shares[i].Size(p.total)) / float64(p.total)
	}
	p.all(func() { p.Fleet.Connect(rate(0)) }, func(i int) request { return request{Call: "Connect", Rate: rate(i)} })
}

// Connected is Fleet.Connected: the time at which the last connection of all processes became live.
func (p *Pool) Connected() (at int64) {
	responses := p.all(func() { at = p.Fleet.Connected() }, same("Connected"))
	for _, a := range responses {
		at = max(at, a.At)
	}
	return at
}

// Storm is Fleet.Storm.
func (p *Pool) Storm() (begun int64) {
	p.all(func() { begun = p.Fleet.Storm() }, same("Storm"))
	return begun
}

// Answer is Fleet.Answer. The whispers are divided among the processes.
func (p *Pool) Answer(most int) {
	own := func() {
		if part, any := p.part(most, 0); any {
			p.Fleet.Answer(part)
		}
	}
	p.all(own, func(i int) request {
		if part, any := p.part(most, i); any {
			return request{Call: "Answer", Most: part}
		}
		return request{}
	})
}

// Whisper is Fleet.Whisper. The whispers and the rate are divided among the processes.
func (p *Pool) Whisper(most int, perSecond float64) {
	own := func() {
		if part, any := p.part(most, 0); any {
			p.Fleet.Whisper(part, perSecond*p.senders(0))
		}
	}
	p.all(own, func(i int) request {
		if part, any := p.part(most, i); any {
			return request{Call: "Whisper", Most: part, Rate: perSecond * p.senders(i)}
		}
		return request{}
	})
}

// part returns how many of most whispers the i-th share sends (0 is no limit). any is false if it sends none.
func (p *Pool) part(most, i int) (part int, any bool) {
	n := max(len(p.shares), 1)
	part = most / n
	if i < most%n {
		part++
	}
	return part, most == 0 || part > 0
}

// senders returns the fraction of the run's senders that the i-th share has, 0 to 1.
func (p *Pool) senders(i int) float64 {
	if len(p.shares) == 0 {
		return 1
	}
	return float64(p.shares[i].Size(p.shares[i].Block)) / float64(p.shares[i].Block)
}

// StopWhispers is Fleet.StopWhispers.
func (p *Pool) StopWhispers() { p.all(p.Fleet.StopWhispers, same("StopWhispers")) }

// Progress is Fleet.Progress, added up over all processes.
func (p *Pool) Progress() client.Progress {
	sum := p.Fleet.Progress()
	for _, w := range p.others {
		q := w.lastProgress()
		sum.Live += q.Live
		sum.Refused += q.Refused
		sum.Lost += q.Lost
		sum.Delivered += q.Delivered
		sum.Sent += q.Sent
	}
	return sum
}

// Outcome is Fleet.Outcome, merged over all processes.
func (p *Pool) Outcome() client.Outcome {
	o := p.Fleet.Outcome()
	for _, w := range p.others {
		o.Merge(w.outcome())
	}
	return o
}

// Failures returns a text for each process that ended early.
func (p *Pool) Failures() (all []string) {
	for _, w := range p.others {
		if why := w.failureReason(); why != "" {
			all = append(all, why)
		}
	}
	return all
}

// Close is Fleet.Close. It ends the other processes too.
func (p *Pool) Close() error {
	for _, w := range p.others {
		p.waiting.Go(w.close)
	}
	err := p.Fleet.Close()
	p.waiting.Wait()
	return err
}
