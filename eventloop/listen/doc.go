// Package listen opens the sockets that a server accepts from.
package listen
