// Package bench is the load tester of reverb-bench: it connects thousands of WebSocket clients to a server that speaks
// Pusher's protocol, publishes to them, counts what is lost, duplicated and reordered, and measures what that costs the server.
//
// The same clients and publishers can drive the baseline, a program that makes only the system calls that any server must make
// for the same bytes, so that a figure is more than a number of one machine: it is a ratio.
//
// Clients, publishers and baseline are in packages of their own below internal; here is what a run does with them.
package bench
