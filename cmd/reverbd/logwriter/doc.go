// Package logwriter keeps a log from stopping or ending the server. Standard error may be a pipe that nobody reads, a pipe
// whose reader has gone, or a file on a full disk: a line that is written there directly blocks the event loop that logs it, or
// is lost without a trace.
//
// A Writer queues what is written, in a bounded amount of memory, and one goroutine writes the queue out. Lines that find the
// queue full, and lines that the output refuses, are counted; the count is written as soon as the output takes something again.
package logwriter
