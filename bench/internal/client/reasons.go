package client

// Reasons counts what went wrong, by what was said about it.
type Reasons map[string]int

// maxReasons bounds how many different ones are kept, in case each is different.
const maxReasons = 50

func (r Reasons) add(err error) {
	text := err.Error()
	if _, known := r[text]; !known && len(r) >= maxReasons {
		text = "other"
	}
	r[text]++
}

// Merge adds the reasons of others.
func (r Reasons) Merge(other Reasons) {
	for text, n := range other {
		r[text] += n
	}
}

// Total returns how many there are.
func (r Reasons) Total() (n int) {
	for _, count := range r {
		n += count
	}
	return n
}
