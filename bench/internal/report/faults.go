package report

// faults is sentences about what went wrong.
type faults []string

// add adds one about n of something, unless there is none.
func (f *faults) add(n int, noun, what string) {
	if n != 0 {
		*f = append(*f, plural(n, noun)+" "+what)
	}
}
