// Package eventloop carries bytes: it accepts connections on a gnet multi-reactor engine, reads HTTP requests and
// WebSocket frames from the loop's own buffer, and writes what it is given. What the bytes mean is decided by a Session
// and by the HTTP API, which know no sockets.
//
// gnet runs one goroutine for each loop, and a connection belongs to one loop for life. Everything a loop owns (its
// connections, its timer wheel, its part of the subscription table) is touched by that goroutine alone; work from
// elsewhere comes through the loop's mailbox. What this package relies on in gnet beyond its documentation is pinned by
// gnet_contract_test.go.
package eventloop
