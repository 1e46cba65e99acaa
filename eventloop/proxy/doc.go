// Package proxy finds out who the client is when a proxy stands between: from the PROXY protocol, or from the headers that proxies
// add to a request. Both are believed of trusted proxies alone, since anybody can send them.
package proxy
