// Package msgid encodes the id that every message of a run carries in its data: its sender, its sequence numbers, and the time at
// which it was due. From it a receiver detects lost, duplicated and reordered messages, and computes the latency.
//
// A message id is text of a fixed length without any character that JSON escapes. So it survives servers that encode the data again,
// and is found in a message without parsing it.
package msgid
