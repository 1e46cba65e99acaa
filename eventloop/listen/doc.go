// Package listen opens the sockets that a server accepts from, or takes over those that somebody else has opened: systemd, or the
// process before.
package listen
