package dialect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"reverbd/bench/internal/msgid"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

var (
	target   = Target{Host: "example.test:8080", Prefix: "/ws", AppID: "app-id", Key: "app-key", Secret: "app-secret"}
	messages = Messages{Prefix: "private-bench-", Size: 100}
	sample   = msgid.ID{Stream: 5, Seq: 6, Order: 7, Time: 8}
)

// read returns the only message of a client's bytes, as the server reads them.
func read(t *testing.T, p []byte) pusher.Message {
	t.Helper()
	var r ws.Reader
	event, n, closed := r.Next(p, 0)
	if closed != nil || n != len(p) || event.Op != ws.OpText {
		t.Fatalf("frame is %+v, %d of %d bytes, %v", event, n, len(p), closed)
	}
	m, err := pusher.Parse(event.Payload)
	if err != nil {
		t.Fatalf("%s: %v", event.Payload, err)
	}
	return m
}

func TestSubscribeIsWhatTheServerVerifies(t *testing.T) {
	const id = pusher.SocketID(123<<32 | 456)
	m := read(t, NewPusher(target, messages).AppendSubscribe(nil, []byte(id.String()), 17))
	s, err := pusher.ParseSubscribe(m.Data)
	if err != nil || string(m.Event) != pusher.EventSubscribe || string(s.Channel) != "private-bench-17" {
		t.Fatalf("%s %s: %v", m.Event, m.Data, err)
	}
	if !pusher.VerifyChannel(target.Secret, s.Auth, id, s.Channel, nil) {
		t.Errorf("auth %s is wrong", s.Auth)
	}
	if want := target.Key + ":" + pusher.ChannelSignature(target.Secret, id, s.Channel, nil); string(s.Auth) != want {
		t.Errorf("auth is %s, want %s", s.Auth, want)
	}
	public := NewPusher(target, Messages{Prefix: "bench-", Size: 100})
	if s, _ := pusher.ParseSubscribe(read(t, public.AppendSubscribe(nil, []byte("1.2"), 0)).Data); s.Auth != nil {
		t.Errorf("a public channel is signed: %s", s.Auth)
	}
}

func TestWhisper(t *testing.T) {
	for _, size := range []int{MinSize, 100, 200, 70_000} {
		m := read(t, NewPusher(target, Messages{Prefix: "private-bench-", Size: size}).AppendWhisper(nil, 3, sample))
		found, ok := msgid.Find(m.Data)
		if !m.IsClientEvent() || string(m.Channel) != "private-bench-3" || !ok || found != sample || len(m.Data) != size {
			t.Errorf("size %d: %s on %s with %d bytes: %+v", size, m.Event, m.Channel, len(m.Data), found)
		}
	}
}

// request reads what a publisher sends as an HTTP server does, and checks the signature as ours does.
func request(t *testing.T, p []byte) (path string, body []byte) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p)))
	if err != nil {
		t.Fatal(err)
	}
	if body, err = io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	path, ok := strings.CutPrefix(r.URL.Path, target.Prefix)
	query, parsed := pusher.ParseQuery(r.URL.RawQuery)
	if !ok || !parsed || !pusher.NewSigner(target.Secret).Verify(query, r.Method, path, body) {
		t.Fatalf("%s %s is not signed right", r.Method, r.URL)
	}
	if r.Host != target.Host || r.ContentLength != int64(len(body)) || !json.Valid(body) {
		t.Errorf("host %s, length %d, body %s", r.Host, r.ContentLength, body)
	}
	return path, body
}

func TestPublishIsWhatTheServerVerifies(t *testing.T) {
	p := NewPusher(target, messages)
	for range 2 { // scratch memory is used again
		path, body := request(t, p.AppendPublish(nil, []Event{{Channel: 2, ID: sample}}))
		var event struct{ Name, Channel, Data string }
		if err := json.Unmarshal(body, &event); err != nil {
			t.Fatal(err)
		}
		found, ok := msgid.Find([]byte(event.Data))
		if path != "/apps/app-id/events" || event.Channel != "private-bench-2" || len(event.Data) != 100 || !ok || found != sample {
			t.Errorf("%s %s", path, body)
		}
	}
	path, body := request(t, p.AppendPublish(nil, []Event{{1, sample}, {2, sample}, {3, sample}}))
	var batch struct {
		Batch []struct{ Name, Channel, Data string }
	}
	if err := json.Unmarshal(body, &batch); err != nil || path != "/apps/app-id/batch_events" || len(batch.Batch) != 3 ||
		batch.Batch[2].Channel != "private-bench-3" || batch.Batch[2].Name != Published {
		t.Errorf("%s %s: %v", path, body, err)
	}
}

func TestPublishAllocatesNothing(t *testing.T) {
	events, dst := []Event{{Channel: 1, ID: sample}}, make([]byte, 0, 4096)
	for name, d := range map[string]Dialect{"pusher": NewPusher(target, messages), "baseline": NewBaseline(target, messages)} {
		d.AppendPublish(dst, events)
		if n := testing.AllocsPerRun(100, func() { d.AppendPublish(dst, events) }); n > 0 {
			t.Errorf("%s: %v allocations a request", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { d.AppendWhisper(dst, 1, sample) }); n > 0 {
			t.Errorf("%s: %v allocations a whisper", name, n)
		}
	}
}

func TestBaselineMessagesAreOfTheSameSize(t *testing.T) {
	p, f := NewPusher(target, messages), NewBaseline(target, messages)
	for name, c := range map[string]struct{ pusher, baseline, over int }{
		"subscribe": {len(p.AppendSubscribe(nil, []byte("1.2"), 1)), len(f.AppendSubscribe(nil, []byte("1.2"), 1)), 0},
		"whisper":   {len(p.AppendWhisper(nil, 1, sample)), len(f.AppendWhisper(nil, 1, sample)), 12},
		"publish":   {len(p.AppendPublish(nil, []Event{{1, sample}})), len(f.AppendPublish(nil, []Event{{1, sample}})), 0},
	} {
		if c.baseline < c.pusher || c.baseline > c.pusher+c.over {
			t.Errorf("%s: %d bytes to the baseline, %d to a server", name, c.baseline, c.pusher)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for url, want := range map[string]Target{
		"ws://127.0.0.1:8080":       {Host: "127.0.0.1:8080"},
		"ws://127.0.0.1:8080/":      {Host: "127.0.0.1:8080"},
		"http://127.0.0.1:8080/a/b": {Host: "127.0.0.1:8080", Prefix: "/a/b"},
	} {
		got, err := ParseTarget(context.Background(), url)
		if err != nil || got.Address.String() != "127.0.0.1:8080" || got.Host != want.Host || got.Prefix != want.Prefix {
			t.Errorf("%s is %+v, %v", url, got, err)
		}
	}
	if got, err := ParseTarget(context.Background(), "ws://[::1]"); err != nil || got.Address.String() != "[::1]:80" {
		t.Errorf("without a port: %v, %v", got.Address, err)
	}
	for _, url := range []string{"", "127.0.0.1:8080", "ws://", "ws://:80", "ftp://127.0.0.1", "wss://127.0.0.1", "ws://127.0.0.1:http?", "ws://\x7f"} {
		if got, err := ParseTarget(context.Background(), url); err == nil {
			t.Errorf("%q is %+v", url, got)
		}
	}
}

func TestUpgradeIsWhatTheServerAccepts(t *testing.T) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(target.AppendUpgrade(nil, false))))
	if err != nil {
		t.Fatal(err)
	}
	if refused := ws.CheckUpgrade(r); refused != nil || r.URL.Path != "/ws/app/app-key" {
		t.Errorf("%s: %v", r.URL, refused)
	}
	if answer := ws.AppendSwitchingProtocols(nil, WebSocketKey, ws.Accepted{}); !bytes.Contains(answer, []byte(WebSocketAccept)) {
		t.Errorf("the answer to the key is not the one expected: %s", answer)
	}
}

func BenchmarkPublish(b *testing.B) {
	p, dst := NewPusher(target, messages), make([]byte, 0, 4096)
	events := []Event{{Channel: 1, ID: sample}}
	b.ReportAllocs()
	for b.Loop() {
		p.AppendPublish(dst, events)
	}
}
