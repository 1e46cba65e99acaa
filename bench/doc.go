// Package bench is the load tester of reverb-bench: it connects thousands of WebSocket clients to a server that speaks
// Pusher's protocol, publishes to them, keeps the tally of what arrives, and measures what that costs the server.
//
// The same clients and publishers can drive the floor, a program that makes only the system calls that any server must make
// for the same bytes, so that a figure is more than a number of one machine: it is a ratio.
//
// Clients, publishers and floor are in packages of their own below internal; here is what a run does with them.
package bench
