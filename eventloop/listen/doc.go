// Package listen opens the listeners of a server, or takes over sockets that are open already: those of systemd, or those of the process
// before it at a restart.
package listen
