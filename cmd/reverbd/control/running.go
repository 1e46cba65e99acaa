package control

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// reportTimeout is how long a server may take to tell its status when all servers are asked.
const reportTimeout = 5 * time.Second

// Running is a server that answers on its control socket.
type Running struct {
	Path   string
	Report Report
}

// Running asks every server that this user may control for its report: for root those of the machine. They are sorted by process id.
func (p Paths) Running() []Running {
	var all []Running
	for _, path := range p.sockets() {
		if p.safe(filepath.Dir(path)) != nil {
			continue
		}
		client, err := Dial([]string{path}, p.UID)
		if err != nil {
			continue // a killed server's, or another user's
		}
		answer, err := client.Call(Status, reportTimeout)
		if err == nil && answer.Status != nil && answer.Status.PID == client.PID {
			all = append(all, Running{path, *answer.Status})
		}
	}
	slices.SortFunc(all, func(a, b Running) int { return cmp.Compare(a.Report.PID, b.Report.PID) })
	return all
}

// sockets returns the paths of control sockets: those in the directories where servers make them, and those beside pid files.
func (p Paths) sockets() []string {
	var paths []string
	for _, pattern := range p.ForClient("reverbd-*.sock") {
		found, _ := filepath.Glob(pattern) // fails for a bad pattern alone
		paths = append(paths, found...)
	}
	for _, path := range listening() {
		if isControlSocket(path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func isControlSocket(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, "reverbd-") && strings.HasSuffix(name, ".sock") || strings.HasSuffix(name, Beside(""))
}
