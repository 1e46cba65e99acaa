// Package client is the WebSocket clients of a run: thousands in a process, on one thread, at some 300 bytes each. They
// connect, shake hands, subscribe, answer pings, and count what they receive.
package client
