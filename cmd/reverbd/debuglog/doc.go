// Package debuglog shows the traffic of the server in a terminal, as Reverb's --debug does: a title, dots and a value,
// and below it the message as indented JSON.
//
// What clients send is hostile here: whatever a terminal could take for a command is written as an escape, such as
// \x1b. Writing never blocks the caller: entries go into a buffer that one goroutine writes out as soon as it can, many
// entries at a time when there are many, and that drops entries, and says how many, when the terminal stands still.
package debuglog
