// Package delivery is the bookkeeping of a run: which messages a receiver got, which twice, which out of order and which
// never.
//
// Messages are numbered within streams, one for each sender and channel, so that a receiver knows a gap when it sees one.
// While everything arrives in order a stream costs its receiver 16 bytes and a comparison.
package delivery
