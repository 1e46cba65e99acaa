package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// request is one that the receiver has got.
type request struct {
	at     time.Time
	url    string
	header http.Header
	body   []byte
	events []map[string]any
	timeMS int64
}

// receiver is an HTTP server without sockets, so that it lives in the same bubble of fake time as its clients.
type receiver struct {
	t      *testing.T
	conns  chan net.Conn
	closed chan struct{}
	server *http.Server

	mu       sync.Mutex
	requests []request
	answer   func(n int, w http.ResponseWriter) // the n-th request, from 0; nil: 200
	dead     bool
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, conns: make(chan net.Conn), closed: make(chan struct{})}
	r.server = &http.Server{Handler: r}
	var serving sync.WaitGroup
	serving.Go(func() { _ = r.server.Serve(r) })
	t.Cleanup(func() {
		_ = r.server.Close()
		serving.Wait()
	})
	return r
}

func (r *receiver) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

func (r *receiver) Close() error {
	close(r.closed)
	return nil
}

func (r *receiver) Addr() net.Addr { return &net.UnixAddr{Name: "receiver"} }

func (r *receiver) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	r.mu.Lock()
	dead := r.dead
	r.mu.Unlock()
	if dead {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	select {
	case r.conns <- there:
		return here, nil
	case <-r.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *receiver) kill(dead bool) {
	r.mu.Lock()
	r.dead = dead
	r.mu.Unlock()
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	var text struct {
		TimeMS int64            `json:"time_ms"`
		Events []map[string]any `json:"events"`
	}
	if err := json.Unmarshal(body, &text); err != nil {
		r.t.Errorf("body %s: %v", body, err)
	}
	r.mu.Lock()
	n, answer := len(r.requests), r.answer
	r.requests = append(r.requests, request{time.Now(), q.URL.String(), q.Header, body, text.Events, text.TimeMS})
	r.mu.Unlock()
	if answer != nil {
		answer(n, w)
	}
}

// got is the requests so far.
func (r *receiver) got() []request {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.requests...)
}

// names is what has been told so far, as "name channel user", in order of arrival.
func (r *receiver) names() (list []string) {
	for _, q := range r.got() {
		for _, e := range q.events {
			s := e["name"].(string) + " " + e["channel"].(string)
			if user, ok := e["user_id"].(string); ok {
				s += " " + user
			}
			list = append(list, s)
		}
	}
	return list
}

const target = "http://receiver.test/hook"

// bench is a Dispatcher with one app and its receiver.
type bench struct {
	*Dispatcher
	*receiver
	logs *observer.ObservedLogs
}

func newBench(t *testing.T, r *receiver, hooks ...Hook) *bench {
	return newBenchWith(t, r, Options{}, hooks...)
}

func newBenchWith(t *testing.T, r *receiver, o Options, hooks ...Hook) *bench {
	core, logs := observer.New(zap.InfoLevel)
	client := Client(nil)
	client.Transport.(*http.Transport).DialContext = r.dial
	o.Client, o.Log = client, zap.New(core)
	d := New(o)
	if hooks == nil {
		hooks = []Hook{{URL: target, Events: Pushers}}
	}
	d.Configure([]App{{ID: "app", Key: "key", Secret: "secret", Hooks: hooks}})
	t.Cleanup(func() { d.Close(context.Background()) })
	return &bench{d, r, logs}
}

func (b *bench) push(kind Kind, channel, user string) {
	b.Push("app", Event{Kind: kind, At: time.Now(), Channel: channel, User: user})
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
