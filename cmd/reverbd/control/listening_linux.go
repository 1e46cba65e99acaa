package control

import (
	"os"
	"path/filepath"
	"strings"
)

// acceptsConnections is __SO_ACCEPTCON of the kernel, as /proc/net/unix prints the flags of a socket.
const acceptsConnections = "00010000"

// listening returns the absolute paths of the unix sockets that accept connections. A control socket was made under another name,
// with the server's process id at its end, which the kernel still tells: the id is taken off.
func listening() []string {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return nil
	}
	return parseListening(string(text))
}

// parseListening reads lines such as "0000000000000000: 00000002 00000000 00010000 0001 01 23456 /run/reverbd.sock".
func parseListening(text string) []string {
	var paths []string
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.Join(strings.Fields(line), " "), " ", 8)
		if len(fields) < 8 || fields[3] != acceptsConnections || !filepath.IsAbs(fields[7]) {
			continue
		}
		path := fields[7]
		if ext := filepath.Ext(path); strings.Trim(ext, "0123456789") == "." {
			path = strings.TrimSuffix(path, ext)
		}
		paths = append(paths, path)
	}
	return paths
}
