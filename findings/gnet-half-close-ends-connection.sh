#!/usr/bin/env bash
# gnet 2.9.8 closes a connection whose peer has only shut down its writing side, before an answer can be written.
#
# A client may send its request, shut down writing (nc -N, socat, simple health checks) and wait for the answer: TCP allows it, and
# net/http's server answers. gnet takes the end of input for the end of the connection: OnClose runs at once, and what a goroutine
# writes afterwards fails. Only an answer written within OnTraffic itself arrives.
#
# Output: written in OnTraffic: answer; written later: ""
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init try >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
)

type engine struct {
	gnet.BuiltinEventEngine
	booted chan struct{}
	closed chan struct{}
}

func (e *engine) OnBoot(gnet.Engine) gnet.Action {
	close(e.booted)
	return gnet.None
}

func (e *engine) OnTraffic(c gnet.Conn) gnet.Action {
	request, _ := c.Next(-1)
	switch string(request) {
	case "now":
		c.Write([]byte("answer"))
	case "later":
		go func() {
			<-e.closed // the worker that makes the answer needs a little longer than the end of input does
			c.AsyncWrite([]byte("answer"), nil)
		}()
	}
	return gnet.None
}

func (e *engine) OnClose(gnet.Conn, error) gnet.Action {
	select {
	case e.closed <- struct{}{}:
	default:
	}
	return gnet.None
}

// ask sends a request, shuts down writing, and reads until the end.
func ask(address, request string) string {
	c, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	io.WriteString(c, request)
	c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	return string(answer)
}

func main() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := ln.Addr().String()
	ln.Close()
	e := &engine{booted: make(chan struct{}), closed: make(chan struct{}, 1)}
	go gnet.Run(e, "tcp://"+address, gnet.WithNumEventLoop(1))
	<-e.booted
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			break
		}
	}
	<-e.closed
	now := ask(address, "now")
	select {
	case <-e.closed:
	default:
	}
	later := ask(address, "later")
	fmt.Printf("written in OnTraffic: %s; written later: %q\n", now, later)
	if now != "answer" || later != "" {
		os.Exit(1)
	}
}
GO
go get github.com/panjf2000/gnet/v2@v2.9.8 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try
