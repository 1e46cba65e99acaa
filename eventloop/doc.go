// Package eventloop moves bytes: it accepts connections, spreads them over gnet's event loops, reads HTTP requests and WebSocket
// frames from the read buffer of the loop, and writes what it is given. What the bytes mean is decided by a Session and by the HTTP
// API, which know no sockets.
//
// Listeners are not gnet's. gnet listens only on sockets that it opens itself, and a server must also take over sockets that are open
// already: those of systemd, and those of the process before it at a restart. And when a listener with SO_REUSEPORT is closed, the
// connections in its accept queue are reset. So a few goroutines for each listener accept, and gnet runs as it does for clients: loops
// without listeners, in which connections are enrolled. That costs some microseconds a connection.
//
// gnet runs one goroutine for each loop, and a connection belongs to one loop for life. What a loop owns (its connections, its timer
// wheel, its part of the subscription table) is used by that goroutine alone; work for it comes from other goroutines through the
// mailbox of the loop. What this package relies on in gnet beyond its documentation is pinned by gnet_contract_test.go.
//
// The life of a connection, by file: accept.go accepts it, connlimit.go counts it, handshake.go reads the header of the PROXY protocol
// and does the TLS handshake, conn.go and exchange.go read from it, slowconsumer.go writes to it and cuts it off when its client reads
// too slowly, timers.go fires its timer, close.go ends it. drain.go closes all connections of a loop at a shutdown.
package eventloop
