package report

// faults are sentences, each about one kind of fault.
type faults []string

// add adds a sentence unless n is 0.
func (f *faults) add(n int, noun, what string) {
	if n != 0 {
		*f = append(*f, plural(n, noun)+" "+what)
	}
}
