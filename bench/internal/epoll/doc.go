// Package epoll is a small event loop on Linux's epoll: one thread that serves many thousands of sockets, without a
// goroutine or a buffer for any of them.
//
// gnet does the same for servers, and more. A load generator wants less: it opens the connections itself, needs timers to
// the microsecond, and must cost as little as possible, since it shares the machine with what it measures.
package epoll
