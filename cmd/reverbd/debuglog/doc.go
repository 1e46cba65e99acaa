// Package debuglog shows the traffic of the server in a terminal, as Reverb's --debug does: a title, dots and a value,
// and below it the message as indented JSON.
//
// What clients send is hostile here: whatever a terminal could take for a command is written as an escape, such as
// \x1b.
package debuglog
