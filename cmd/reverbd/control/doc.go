// Package control is how a command reaches a server that runs: a unix socket for its user and root alone, on which one line of JSON
// is asked and one is answered.
//
// Command and server find the socket's path each by itself, from the same configuration. A server that takes over from another one
// puts its own socket in the place of the other's in one step, so that there is always one to be found.
package control
