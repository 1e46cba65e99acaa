// Package latency records durations, and computes when messages are due at a rate.
//
// At a fixed rate every message is due at a time (Schedule), and its latency counts from then, however late it was sent. So all
// messages that a stalled server kept waiting count, not only the one that it was busy with: this avoids coordinated omission.
// Without a rate, back to back, the latency counts from when a message was sent.
package latency
