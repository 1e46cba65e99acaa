package delivery

// Counts is what became of the messages of a run, each counted once for every receiver that it was meant for.
type Counts struct {
	Delivered  int64 `json:"delivered"` // without duplicates
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"out_of_order"`
	Stray      int64 `json:"stray"` // came to a receiver that it was not meant for
}

// Add counts one message.
func (c *Counts) Add(v Verdict) {
	switch v {
	case InOrder:
		c.Delivered++
	case Late:
		c.Delivered++
		c.Reordered++
	case Duplicate:
		c.Duplicated++
	case Stray:
		c.Stray++
	}
}

// Merge adds the counts of other receivers.
func (c *Counts) Merge(other Counts) {
	c.Delivered += other.Delivered
	c.Duplicated += other.Duplicated
	c.Reordered += other.Reordered
	c.Stray += other.Stray
}
