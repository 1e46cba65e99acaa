// Package debuglog shows the traffic of the server in a terminal, as Reverb's --debug does: a title, dots and a value,
// and below it the message as indented JSON.
//
// Data of clients is untrusted: bytes that a terminal could interpret as a command are written as an escape, such as \x1b.
package debuglog
