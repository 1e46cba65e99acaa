// Package admin shows on an address of its own what the server does: metrics for Prometheus, health for orchestrators, and a page for
// people with the live stream of what happens. It is a net/http server beside the event loops, and asks them for their counters only when
// somebody asks it.
package admin
