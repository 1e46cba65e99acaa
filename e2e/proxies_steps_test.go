package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// testIdle: a client that only answers pings stays connected; one that is not pinged is disconnected, if the proxy has an idle limit.
func testIdle(t *testing.T, tc proxyCase, pinged, silent *client) {
	for range 7 {
		pinged.nextEvent("pusher:ping")
		pinged.send(`{"event":"pusher:pong"}`)
	}
	pinged.subscribe("news", nil)
	_ = pinged.conn.Close()
	if tc.unlimited {
		silent.subscribe("news", nil)
	} else if text, err := silent.read(); err == nil {
		t.Errorf("without pings: %s", text)
	}
	_ = silent.conn.Close()
}

// testRestartBehind: during a restart of the server no new client is refused, no publish is lost, and clients reconnect.
func testRestartBehind(t *testing.T, s *server, p *proxied) {
	all := p.settle(t, 10)
	idle := p.keepBusy(t, true)
	for range 2 {
		old, before := s.serving(t), all.returns.Load()
		s.must(t, "restart")
		all.comeBack(t, before)
		if old != s.cmd.Process.Pid {
			await(t, "the end of the old process", func() bool { return syscall.Kill(old, 0) != nil })
		}
	}
	idle()
	all.hear(t, p)
}

// testReload: a reload of the proxy refuses no client. Only a proxy with cutsOff disconnects clients, which then reconnect.
func testReload(t *testing.T, tc proxyCase, p *proxied) {
	all := p.settle(t, 10)
	before := all.returns.Load()
	idle := func() {}
	if !tc.cutsOff && !tc.mayReset {
		idle = p.keepBusy(t, false) // a connection that is kept may be closed by the proxy while a request is on its way
	}
	p.reload(t)
	reloaded := p.reloaded
	if reloaded == nil {
		reloaded = func() bool { status := p.status("/reloaded"); return status != 0 && status != http.StatusNotFound }
	}
	p.await(t, "the new configuration", reloaded)
	idle()
	if tc.cutsOff {
		all.comeBack(t, before)
	} else if n := all.returns.Load() - before; n > 0 && !tc.mayCutOff {
		t.Errorf("%d of %d clients were cut off", n, all.count)
	}
	await(t, "all clients", func() bool { return int(all.connected.Load()) == all.count })
	all.hear(t, p)
}

// settlers are clients that stay: they answer pings, and come back whenever they are cut off.
type settlers struct {
	count     int
	connected atomic.Int64 // that are subscribed
	returns   atomic.Int64
	heard     chan string
}

// settle has clients subscribe to the channel news until the test ends.
func (p *proxied) settle(t *testing.T, count int) *settlers {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	all := &settlers{count: count, heard: make(chan string, 10*count)}
	var done sync.WaitGroup
	for range count {
		done.Go(func() {
			for ctx.Err() == nil {
				err := p.stay(ctx, all)
				if ctx.Err() == nil {
					t.Logf("a client comes back: %v", err)
					all.returns.Add(1)
				}
			}
		})
	}
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
	await(t, "all clients", func() bool { return int(all.connected.Load()) == count })
	return all
}

// stay is one connection of a client.
func (p *proxied) stay(ctx context.Context, all *settlers) error {
	c, err := open(ctx, p.dialer(ws.Dialer{}), p.url(appKey))
	if err != nil {
		select { // pusher-js takes fifteen seconds
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		return err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	here := false
	defer func() {
		if here {
			all.connected.Add(-1)
		}
	}()
	for {
		text, err := c.read()
		if err != nil {
			return err
		}
		var m message
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return err
		}
		switch m.Event {
		case "pusher:connection_established":
			err = wsutil.WriteClientText(c.conn, []byte(`{"event":"pusher:subscribe","data":{"channel":"news"}}`))
		case "pusher:ping":
			err = wsutil.WriteClientText(c.conn, []byte(`{"event":"pusher:pong"}`))
		case "pusher_internal:subscription_succeeded":
			here = true
			all.connected.Add(1)
		case "story":
			all.heard <- string(m.Data)
		}
		if err != nil {
			return err
		}
	}
}

// comeBack waits until everybody has been cut off once more than before, and is subscribed again.
func (all *settlers) comeBack(t *testing.T, before int64) {
	t.Helper()
	await(t, "all clients to be back", func() bool {
		return all.returns.Load()-before >= int64(all.count) && int(all.connected.Load()) == all.count
	})
}

// hear publishes, and waits until all clients have received it.
func (all *settlers) hear(t *testing.T, p *proxied) {
	t.Helper()
	must(t, p.publish(t, p.http(t, false), "story", "everybody"))
	for i := range all.count {
		select {
		case got := <-all.heard:
			if got != `"everybody"` {
				t.Errorf("heard %s", got)
			}
		case <-time.After(clientTimeout):
			t.Fatalf("%d of %d clients have heard it", i, all.count)
		}
	}
}

// keepBusy has clients come and events be published without a pause, on new connections and, if kept says so, on one that is kept, until idle is
// called. None of them may fail.
func (p *proxied) keepBusy(t *testing.T, kept bool) (idle func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	var rounds atomic.Int64
	publishers := map[string]*http.Client{"a new": p.http(t, false)}
	if kept {
		publishers["a kept"] = p.http(t, true)
	}
	busy.Go(func() {
		for ; ctx.Err() == nil; rounds.Add(1) {
			if err := p.visit(); err != nil {
				t.Errorf("a new client: %v", err)
			}
			for how, by := range publishers {
				if err := p.publish(t, by, "during", "e"); err != nil {
					t.Errorf("a publish on %s connection: %v", how, err)
				}
			}
		}
	})
	return func() {
		t.Helper()
		await(t, "some clients", func() bool { return rounds.Load() > 3 })
		stop()
		busy.Wait()
	}
}

// visit is a client that connects, reads connection_established and disconnects.
func (p *proxied) visit() error {
	c, err := open(context.Background(), p.dialer(ws.Dialer{Timeout: clientTimeout}), p.url(appKey))
	if err != nil {
		return err
	}
	defer c.conn.Close()
	text, err := c.read()
	if closed, ok := errors.AsType[wsutil.ClosedError](err); ok {
		return fmt.Errorf("closed with %d", closed.Code)
	}
	var m message
	if err == nil && (json.Unmarshal([]byte(text), &m) != nil || m.Event != "pusher:connection_established") {
		err = errors.New(text)
	}
	return err
}
