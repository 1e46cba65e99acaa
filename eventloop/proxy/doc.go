// Package proxy finds the address of a client that comes through proxies: in the header of the PROXY protocol, or in a header that
// proxies add to a request. Only trusted proxies are believed, since every client can send both.
package proxy
