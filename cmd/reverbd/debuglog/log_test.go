package debuglog_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"reverbd/cmd/reverbd/debuglog"
)

var update = flag.Bool("update", false, "write the golden files")

// written runs use on a log and returns what it wrote.
func written(o debuglog.Options, use func(*debuglog.Log)) string {
	var out bytes.Buffer
	l := debuglog.New(&out, o)
	use(l)
	return out.String()
}

func TestGolden(t *testing.T) {
	member := `{"event":"pusher_internal:subscription_succeeded","data":"{\"presence\":{\"count\":1,\"ids\":[\"1\"]}}","channel":"presence-a"}`
	subscribe := `{"event":"pusher:subscribe","data":{"auth":"k:s","channel_data":"{\"user_id\":\"1\"}","channel":"presence-a"}}`
	long := `{"event":"chat","channel":"room","data":{"text":"` + strings.Repeat("lorem ipsum ", 40) + `","id":12345678901234567890}}`
	many := `{"list":[` + strings.Repeat(`1,`, 200) + `1]}`

	tests := []struct {
		name string
		o    debuglog.Options
		use  func(*debuglog.Log)
	}{
		{"info", debuglog.Options{}, func(l *debuglog.Log) { l.Info("Connection Established", "123.456") }},
		{"info without a value", debuglog.Options{}, func(l *debuglog.Log) { l.Info("Pinging Inactive Connections", "") }},
		{"info wide", debuglog.Options{Width: 120}, func(l *debuglog.Log) { l.Info("Broadcasting To", "orders") }},
		{"info wider than Laravel", debuglog.Options{Width: 400}, func(l *debuglog.Log) { l.Info("Broadcasting To", "orders") }},
		{"info too long", debuglog.Options{}, func(l *debuglog.Log) { l.Info("Broadcasting To", strings.Repeat("é", 250)) }},
		{"info in colour", debuglog.Options{Color: true}, func(l *debuglog.Log) { l.Info("Control Frame Received", "1.2") }},
		{"error", debuglog.Options{}, func(l *debuglog.Log) { l.Error("Message from 1.2 resulted in a pusher error") }},
		{"error with reason", debuglog.Options{}, func(l *debuglog.Log) {
			l.Error("Message from 1.2 resulted in an unknown error\nsyntax: at 3\n [ERROR] forged")
		}},
		{"error in colour", debuglog.Options{Color: true}, func(l *debuglog.Log) { l.Error("Message from 1.2 resulted in a pusher error") }},
		{"message with data as text", debuglog.Options{}, func(l *debuglog.Log) { l.Message("Message Handled", "1.2", []byte(member)) }},
		{"message with channel_data", debuglog.Options{}, func(l *debuglog.Log) { l.Message("Message Received", "1.2", []byte(subscribe)) }},
		{"message with plain text data", debuglog.Options{}, func(l *debuglog.Log) {
			l.Message("Message Received", "1.2", []byte(`{"event":"client-a","data":"no json","x":{}}`))
		}},
		{"message with long strings", debuglog.Options{}, func(l *debuglog.Log) { l.Message("Message Received", "1.2", []byte(long)) }},
		{"message with many values", debuglog.Options{}, func(l *debuglog.Log) { l.Message("Message Received", "1.2", []byte(many)) }},
		{"message that is no json", debuglog.Options{}, func(l *debuglog.Log) { l.Message("Message Received", "1.2", []byte("a\nb\x1b[2J\xff")) }},
		{"message that is empty", debuglog.Options{}, func(l *debuglog.Log) { l.Message("Message Received", "1.2", nil) }},
		{"message that is huge", debuglog.Options{}, func(l *debuglog.Log) {
			l.Message("Message Received", "1.2", []byte("{\n\"a\":\""+strings.Repeat("x", 100_000)+"\"}"))
		}},
		{"terminal commands", debuglog.Options{}, func(l *debuglog.Log) {
			l.Info("Broadcasting To", "\x1b]0;owned\a\u009b2J\u202etxt\u200b\r\n\x7f")
			l.Message("Message Received", "1.2", []byte("{\"a\":\"\u009b2J \u202e \x7f \\u001b[2J\"}"))
		}},
		{"everything", debuglog.Options{}, func(l *debuglog.Log) {
			l.Info("Connection Established", "1.2")
			l.Message("Message Received", "1.2", []byte(`{"event":"pusher:ping"}`))
			l.Message("Message Handled", "1.2", []byte(`{"event":"pusher:pong"}`))
			l.Error("Message from 1.2 resulted in a pusher error\nInvalid message format")
			l.Info("Connection Closed", "1.2")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := written(tt.o, tt.use)
			path := filepath.Join("testdata", strings.ReplaceAll(tt.name, " ", "-")+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestColumnsFillTheWidth(t *testing.T) {
	for width, want := range map[int]int{0: 80, 60: 60, 150: 150, 1000: 150} {
		got := written(debuglog.Options{Width: width}, func(l *debuglog.Log) { l.Info("Connection Pruned", "ü.1") })
		if n := utf8.RuneCountInString(strings.TrimSuffix(got, "\n")) + 2; n != want {
			t.Errorf("width %d: the line has %d columns, want %d", width, n, want)
		}
	}
}

func TestForAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	none := func(string) (string, bool) { return "", false }
	if o := debuglog.For(f, none); o != (debuglog.Options{}) {
		t.Errorf("a file got %+v, want no width and no colour", o)
	}
}

// Whatever a client sends, nothing reaches the terminal but text and the log's own newlines, and a message shows 200
// characters at most.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"data":"{\"channel_data\":\"[]\"}"}`, "\x1b[2J", "{\"a\":\"\u009b\u202e\"}", `[1,"\u001b"]`, "\xff\xfe", `{"data":"{`,
	} {
		f.Add("Message Received", seed)
	}
	f.Fuzz(func(t *testing.T, title, payload string) {
		got := written(debuglog.Options{}, func(l *debuglog.Log) {
			l.Message(title, payload, []byte(payload))
			l.Error(payload)
		})
		for _, r := range got {
			if r != '\n' && !unicode.IsGraphic(r) {
				t.Fatalf("%q contains %U", got, r)
			}
		}
		body := written(debuglog.Options{}, func(l *debuglog.Log) { l.Message("t", "v", []byte(payload)) })
		_, body, _ = strings.Cut(body, "\n")
		lines := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n")
		if n := utf8.RuneCountInString(body) - 2*len(lines) - 2; n > 200 {
			t.Fatalf("%d characters of the message are shown", n)
		}
	})
}
