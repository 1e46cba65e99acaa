// Package dialect encodes the requests of clients and publishers: in Pusher's protocol for the server that is measured, and in the
// format of package baseline, with the same sizes, for the baseline.
//
// Both answer with the same bytes, so nothing else in the load tester knows which of them it is connected to.
package dialect
