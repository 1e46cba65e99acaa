// Package publish has the publishers of a run: a few keep-alive connections to the HTTP API, on one thread, that send events at a
// rate or back to back, or connect anew for each request. A request costs them two system calls and a microsecond for the signature.
package publish
