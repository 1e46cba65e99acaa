//go:build !faults

package broadcast

// fault is where tests with the build tag faults let a panic happen: a stripe is locked there.
func fault(string) {}
