#!/usr/bin/env bash
# gnet 2.9.8 calls OnTick on a goroutine of its own, not on an event loop.
#
# All other callbacks of a connection run on its loop, so one expects that of the ticker, and to be allowed to touch what a loop owns
# without a lock. It is not so: OnTick runs at the same time as OnTraffic, a data race for whatever both touch.
#
# Output: OnTick runs on a goroutine that is none of the loops
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init try >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// goroutine is the number of the calling goroutine, from the first line of its stack trace.
func goroutine() string {
	b := make([]byte, 64)
	return string(bytes.Fields(b[:runtime.Stack(b, false)])[1])
}

type engine struct {
	gnet.BuiltinEventEngine
	opened, ticked chan string
}

func (e *engine) OnOpen(gnet.Conn) ([]byte, gnet.Action) {
	e.opened <- goroutine()
	return nil, gnet.None
}

func (e *engine) OnTick() (time.Duration, gnet.Action) {
	select {
	case e.ticked <- goroutine():
	default:
	}
	return 10 * time.Millisecond, gnet.None
}

func main() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := ln.Addr().String()
	ln.Close()
	e := &engine{opened: make(chan string, 1), ticked: make(chan string)}
	go gnet.Run(e, "tcp://"+address, gnet.WithNumEventLoop(1), gnet.WithTicker(true))
	ticker := <-e.ticked
	c, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if loop := <-e.opened; loop == ticker {
		fmt.Println("OnTick runs on the loop")
		os.Exit(1)
	}
	fmt.Println("OnTick runs on a goroutine that is none of the loops")
}
GO
go get github.com/panjf2000/gnet/v2@v2.9.8 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try
