// Package eventloop carries bytes: it accepts connections, spreads them over gnet's event loops, reads HTTP requests and
// WebSocket frames from the loop's own buffer, and writes what it is given. What the bytes mean is decided by a Session
// and by the HTTP API, which know no sockets.
//
// gnet could listen by itself, but not on sockets that somebody else has opened (a unix socket beside others, one of systemd's, one
// of the process before), and not without losing what waits to be accepted when a listener with SO_REUSEPORT is closed. So there is
// one accepting goroutine for each listener, and gnet is used as its client side is: loops without listeners, in which connections
// are enrolled. That costs 10 microseconds a connection.
//
// gnet runs one goroutine for each loop, and a connection belongs to one loop for life. Everything a loop owns (its
// connections, its timer wheel, its part of the subscription table) is touched by that goroutine alone; work from
// elsewhere comes through the loop's mailbox. What this package relies on in gnet beyond its documentation is pinned by
// gnet_contract_test.go.
package eventloop
