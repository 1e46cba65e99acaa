package client

// Reasons counts errors by their text.
type Reasons map[string]int

// maxReasons bounds the number of texts that are kept.
const maxReasons = 50

func (r Reasons) add(err error) {
	text := err.Error()
	if _, known := r[text]; !known && len(r) >= maxReasons {
		text = "other"
	}
	r[text]++
}

// withdraw takes one back, if it has been added.
func (r Reasons) withdraw(err error) {
	switch text := err.Error(); r[text] {
	case 0:
	case 1:
		delete(r, text)
	default:
		r[text]--
	}
}

// Merge adds other to r.
func (r Reasons) Merge(other Reasons) {
	for text, n := range other {
		r[text] += n
	}
}

// Total returns the number of errors.
func (r Reasons) Total() (n int) {
	for _, count := range r {
		n += count
	}
	return n
}
