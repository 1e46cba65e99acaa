#!/usr/bin/env bash
# gobwas/ws 1.5.0 writes the header of a frame and its payload apart: two system calls, and with TCP_NODELAY two segments, a message.
#
# ws.WriteFrame and wsutil.WriteServerMessage write to the io.Writer once for the 2 to 10 bytes of the header and once more for the
# payload. On a net.Conn, where Go sets TCP_NODELAY, that is twice the system calls of a server whose work is small messages. A
# bufio.Writer around the connection, or ws.CompileFrame, makes it one.
#
# Output: WriteServerMessage: [2 5], CompileFrame: [7]
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

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// recorder keeps the length of each write.
type recorder []int

func (r *recorder) Write(p []byte) (int, error) {
	*r = append(*r, len(p))
	return len(p), nil
}

func main() {
	var message, compiled recorder
	if err := wsutil.WriteServerMessage(&message, ws.OpText, []byte("hello")); err != nil {
		panic(err)
	}
	b, err := ws.CompileFrame(ws.NewTextFrame([]byte("hello")))
	if err != nil {
		panic(err)
	}
	compiled.Write(b)
	got := fmt.Sprintf("WriteServerMessage: %v, CompileFrame: %v", message, compiled)
	fmt.Println(got)
	if got != "WriteServerMessage: [2 5], CompileFrame: [7]" {
		os.Exit(1)
	}
}
GO
go get github.com/gobwas/ws@v1.5.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try
