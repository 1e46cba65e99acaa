package delivery

// Counts counts the messages of a run, once for every receiver.
type Counts struct {
	Delivered  int64 `json:"delivered"` // without duplicates
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"out_of_order"`
	Stray      int64 `json:"stray"` // received on a channel that the receiver is not subscribed to
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
