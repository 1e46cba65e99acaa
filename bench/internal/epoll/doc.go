// Package epoll is a small event loop on Linux's epoll: one thread that serves thousands of sockets, without a goroutine or a buffer
// for each.
//
// gnet is made for servers. A load generator opens the connections itself, needs timers that are precise to microseconds, and must
// cost as little as possible, since it shares the machine with the server that it measures.
package epoll
