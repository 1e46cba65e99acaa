// Package control is how a command reaches a server that runs: a unix socket for its user and root alone, on which the client
// sends one line of JSON and the server answers with one.
//
// Client and server each derive the socket's path from the same configuration. A server that takes over from another one renames
// its own socket over the other's, so that a client finds one at any time.
package control
