package crew

import (
	"errors"
	"os/exec"
	"sync"

	"reverbd/bench/internal/client"
)

// Crew is the clients of a run. What a Fleet can do and is not here, only those of this process do.
type Crew struct {
	*client.Fleet

	total   int // connections of the run
	pairs   int // that whisper, 0 in another scenario
	others  []*member
	shares  []client.Share // of this process and the others
	waiting sync.WaitGroup // for answers
}

// Alone is a crew of one process.
func Alone(f *client.Fleet) *Crew { return &Crew{Fleet: f} }

// Start starts further processes for all shares but the first, which own is to have; self returns a command that calls Serve.
func Start(own *client.Fleet, c Config, shares []client.Share, self func() *exec.Cmd) (*Crew, error) {
	crew := &Crew{Fleet: own, total: c.Connections, pairs: c.Layout.Channels, shares: shares}
	for _, share := range shares[1:] {
		c.Share = share
		m, err := start(self(), c)
		if err != nil {
			return nil, errors.Join(err, crew.Close())
		}
		crew.others = append(crew.others, m)
	}
	return crew, nil
}

// Shares shares connections out among processes. A block is the distance from one of a pair to the other, or all
// connections.
func Shares(processes, block int) []client.Share {
	shares := make([]client.Share, processes)
	for i := range shares {
		shares[i] = client.Share{Number: i, Of: processes, Block: block}
	}
	return shares
}

// all has an order carried out by the others while own runs, and returns when everybody is done. part makes the order of the
// i-th share; one without a Call is not given.
func (c *Crew) all(own func(), part func(i int) order) []answer {
	answers := make([]answer, len(c.others))
	for i, m := range c.others {
		if o := part(i + 1); o.Call != "" {
			c.waiting.Go(func() { answers[i], _ = m.exchange(o) })
		}
	}
	own()
	c.waiting.Wait()
	return answers
}

// same is the part of an order that is the same for everybody.
func same(call string) func(int) order { return func(int) order { return order{Call: call} } }

// Connect is client.Fleet's, with the rate shared out.
func (c *Crew) Connect(perSecond float64) {
	rate := func(i int) float64 {
		if len(c.shares) == 0 {
			return perSecond
		}
		return perSecond * float64(c.shares[i].Size(c.total)) / float64(c.total)
	}
	c.all(func() { c.Fleet.Connect(rate(0)) }, func(i int) order { return order{Call: "Connect", Rate: rate(i)} })
}

// Connected is client.Fleet's: when the last came to be live.
func (c *Crew) Connected() (at int64) {
	answers := c.all(func() { at = c.Fleet.Connected() }, same("Connected"))
	for _, a := range answers {
		at = max(at, a.At)
	}
	return at
}

// Storm is client.Fleet's.
func (c *Crew) Storm() (begun int64) {
	c.all(func() { begun = c.Fleet.Storm() }, same("Storm"))
	return begun
}

// Answer is client.Fleet's, with the whispers shared out.
func (c *Crew) Answer(most int) {
	own := func() {
		if part, any := c.part(most, 0); any {
			c.Fleet.Answer(part)
		}
	}
	c.all(own, func(i int) order {
		if part, any := c.part(most, i); any {
			return order{Call: "Answer", Most: part}
		}
		return order{}
	})
}

// Whisper is client.Fleet's, with the whispers and the rate shared out.
func (c *Crew) Whisper(most int, perSecond float64) {
	own := func() {
		if part, any := c.part(most, 0); any {
			c.Fleet.Whisper(part, perSecond*c.senders(0))
		}
	}
	c.all(own, func(i int) order {
		if part, any := c.part(most, i); any {
			return order{Call: "Whisper", Most: part, Rate: perSecond * c.senders(i)}
		}
		return order{}
	})
}

// part is how many of that many whispers the i-th share sends; any is false if it sends none. 0 is no limit.
func (c *Crew) part(most, i int) (part int, any bool) {
	n := max(len(c.shares), 1)
	part = most / n
	if i < most%n {
		part++
	}
	return part, most == 0 || part > 0
}

// senders is the part of a run's senders that the i-th share has, 0 to 1.
func (c *Crew) senders(i int) float64 {
	if len(c.shares) == 0 {
		return 1
	}
	return float64(c.shares[i].Size(c.shares[i].Block)) / float64(c.shares[i].Block)
}

// StopWhispers is client.Fleet's.
func (c *Crew) StopWhispers() { c.all(c.Fleet.StopWhispers, same("StopWhispers")) }

// Progress is client.Fleet's, of all together.
func (c *Crew) Progress() client.Progress {
	p := c.Fleet.Progress()
	for _, m := range c.others {
		q := m.soFar()
		p.Live += q.Live
		p.Refused += q.Refused
		p.Lost += q.Lost
		p.Delivered += q.Delivered
		p.Sent += q.Sent
	}
	return p
}

// Outcome is client.Fleet's, of all together.
func (c *Crew) Outcome() client.Outcome {
	o := c.Fleet.Outcome()
	for _, m := range c.others {
		other := m.outcome()
		o.Counts.Merge(other.Counts)
		o.Latency.Merge(other.Latency)
		o.Refusals.Merge(other.Refusals)
		o.Retries.Merge(other.Retries)
		o.Losses.Merge(other.Losses)
		o.Complaints.Merge(other.Complaints)
	}
	return o
}

// Deaths says which processes ended before they were told to, and why.
func (c *Crew) Deaths() (all []string) {
	for _, m := range c.others {
		if why := m.died(); why != "" {
			all = append(all, why)
		}
	}
	return all
}

// Close is client.Fleet's, and ends the other processes.
func (c *Crew) Close() error {
	for _, m := range c.others {
		c.waiting.Go(m.close)
	}
	err := c.Fleet.Close()
	c.waiting.Wait()
	return err
}
