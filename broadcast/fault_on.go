//go:build faults

package broadcast

import "sync/atomic"

// faultAt is the place at which the next call of fault panics.
var faultAt atomic.Pointer[string]

// fault panics at the place that faultAt names, once.
func fault(at string) {
	if p := faultAt.Load(); p != nil && *p == at && faultAt.CompareAndSwap(p, nil) {
		panic("injected at " + at)
	}
}
