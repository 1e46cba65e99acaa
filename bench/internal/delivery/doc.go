// Package delivery accounts for the messages of a run: which a receiver got, which it got twice or out of order, and which never.
//
// Messages are numbered within streams, one stream for each sender and channel, so that a receiver detects gaps. While everything
// arrives in order, a stream costs its receiver 16 bytes and a comparison.
package delivery
