package config

import (
	"net/netip"
	"strings"
)

// isServiceLink reports whether a variable is what Kubernetes, and Docker's old links, put into the environment of every container for a
// service: REDIS_PORT=tcp://10.96.0.1:6379 for one of the name redis, REVERB_SERVER_PORT for reverb-server.
func isServiceLink(name, text string) bool {
	scheme, address, ok := strings.Cut(text, "://")
	if !ok || !strings.HasSuffix(name, "_PORT") || scheme != "tcp" && scheme != "udp" && scheme != "sctp" {
		return false
	}
	_, err := netip.ParseAddrPort(address)
	return err == nil
}

// noteServiceLink tells once that the variable is not read.
func (l *loader) noteServiceLink(name, text string) {
	if l.links == nil {
		l.links = make(map[string]bool)
	}
	if l.links[name] {
		return
	}
	l.links[name] = true
	service := strings.ReplaceAll(strings.ToLower(strings.TrimSuffix(name, "_PORT")), "_", "-")
	l.note("%s in the environment: %s is how Kubernetes links the service %s, and is not read; enableServiceLinks: false in the pod's "+
		"spec turns these variables off", name, text, service)
}
