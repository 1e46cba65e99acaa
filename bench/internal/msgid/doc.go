// Package msgid is what every message of a run carries in its data: who sent it, as which of his messages, and when. Its
// receivers tell from it what was lost, doubled or reordered, and how long each message took.
//
// A message id is text of a fixed length without any character that JSON escapes, so that it comes through servers that encode
// data again, and is found in a message without parsing it.
package msgid
