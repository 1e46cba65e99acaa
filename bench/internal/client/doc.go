// Package client has the WebSocket clients of a run: thousands in a process, on one thread, with about 300 bytes of memory each.
// They connect, send the handshake, subscribe, answer pings, and count what they receive.
package client
