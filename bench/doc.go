// Package bench is the load tester of reverb-bench: it connects thousands of WebSocket clients to a server that speaks
// Pusher's protocol, publishes to them, counts what is lost, duplicated and reordered, and measures what that costs the server.
//
// The same clients and publishers can drive the baseline, a program that makes only the system calls that any server must make for
// the same bytes. The ratio of the server to it says more than a time, which depends on the machine.
//
// Clients, publishers and the baseline are in packages below internal. This package has the scenarios, and runs them.
package bench
