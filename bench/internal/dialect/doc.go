// Package dialect is what the clients and the publishers of a run say: Pusher to the server that is measured, and the
// baseline's own language, of the same sizes, to the baseline.
//
// What comes back is the same from both, so nothing else in the load tester knows which of them it talks to.
package dialect
