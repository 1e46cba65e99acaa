#!/usr/bin/env bash
# gnet 2.9.8: WithMulticore starts one loop for each CPU of the machine, whatever GOMAXPROCS says.
#
# It asks runtime.NumCPU, not runtime.GOMAXPROCS. In a container with a quota of one CPU on a machine of 64 (where Go sets GOMAXPROCS
# to 1 by itself since 1.25) 64 loops are started that take turns on one. WithNumEventLoop(runtime.GOMAXPROCS(0)) does what one expects.
# The number of CPUs that the process may run on must be 2 or more for this to show.
#
# Output (2 CPUs): GOMAXPROCS 1, loops 2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init try >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/panjf2000/gnet/v2"
)

// note counts the loops that gnet names in its log.
type note struct{ loops chan int }

func (n note) Infof(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	var loops int
	if i := strings.Index(line, "with "); i >= 0 {
		if _, err := fmt.Sscanf(line[i:], "with %d event-loops", &loops); err == nil {
			n.loops <- loops
		}
	}
}
func (note) Debugf(string, ...any) {}
func (note) Warnf(string, ...any)  {}
func (note) Errorf(string, ...any) {}
func (note) Fatalf(string, ...any) {}

func main() {
	runtime.GOMAXPROCS(1)
	loops := make(chan int, 1)
	go gnet.Run(&gnet.BuiltinEventEngine{}, "tcp://127.0.0.1:0", gnet.WithMulticore(true), gnet.WithLogger(note{loops}))
	n := <-loops
	fmt.Printf("GOMAXPROCS %d, loops %d\n", runtime.GOMAXPROCS(0), n)
	if n != runtime.NumCPU() {
		os.Exit(1)
	}
}
GO
go get github.com/panjf2000/gnet/v2@v2.9.8 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try
