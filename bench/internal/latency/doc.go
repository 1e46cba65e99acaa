// Package latency records how long things took, and says when they should have begun.
//
// At a fixed rate every message has a time at which it is due (Schedule), and its latency counts from then, however late
// it was really sent. A server that stalls is so charged with every message that it kept waiting, not only with the one
// that it was busy with: what is known as coordinated omission does not happen. Without a rate, back to back, there is
// no such time, and latency counts from the sending.
package latency
