package pusher

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestUnquote(t *testing.T) {
	for _, c := range []struct {
		name, token, want string
		ok                bool
	}{
		{"empty", `""`, "", true},
		{"plain", `"abc"`, "abc", true},
		{"short escapes", `"a\"\\\/\b\f\n\r\tz"`, "a\"\\/\b\f\n\r\tz", true},
		{"escaped ASCII", `"\u0041\u0000"`, "A\x00", true},
		{"escaped, two bytes", `"\u00e9\u00E9"`, "éé", true},
		{"escaped, three bytes", `"\u20ac"`, "€", true},
		{"surrogate pair", `"\ud83d\ude00!"`, "😀!", true},
		{"upper half alone", `"\ud83d!"`, "\ufffd!", true},
		{"lower half alone", `"\ude00!"`, "\ufffd!", true},
		{"halves in the wrong order", `"\ude00\ud83d"`, "\ufffd\ufffd", true},
		{"upper half, then another escape", `"\ud83d\u0041"`, "\ufffdA", true},
		{"upper half, then a pair", `"\ud83d\ud83d\ude00"`, "\ufffd😀", true},
		{"upper half, then a short escape", `"\ud83d\n"`, "\ufffd\n", true},
		{"non-ASCII", `"é\n😀"`, "é\n😀", true},
		{"nothing", ``, "", false},
		{"a quote", `"`, "", false},
		{"number", `1`, "", false},
		{"two strings", `"a""b"`, "", false},
		{"space around", ` "a"`, "", false},
		{"bad escape", `"\x"`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := []byte(c.token)
			if c.ok {
				if got := string(AppendUnquoted([]byte("> "), token)); got != "> "+c.want || string(token) != c.token {
					t.Errorf("AppendUnquoted: %q, token now %s", got, token)
				}
			}
			got, ok := Unquote(token)
			if string(got) != c.want || ok != c.ok {
				t.Errorf("Unquote: %q, %v", got, ok)
			}
		})
	}
}

func TestUnquoteInPlace(t *testing.T) {
	line := []byte(`["\u00e9\n","next"]`)
	got, _ := Unquote(line[1:11])
	if &got[0] != &line[2] {
		t.Error("the text is not in the token's memory")
	}
	_ = append(got, '!')
	if string(line[11:]) != `,"next"]` {
		t.Errorf("what follows was damaged: %s", line)
	}
}

func TestAppendString(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", `""`},
		{"plain", "news.7/a=b", `"news.7/a=b"`},
		{"quote and backslash", `App\Events\"X"`, `"App\\Events\\\"X\""`},
		{"short forms", "\b\f\n\r\t", `"\b\f\n\r\t"`},
		{"other control characters", "\x00\x1f\v", `"\u0000\u001f\u000b"`},
		{"DEL and C1 stay", "\x7f\u0085", "\"\x7f\u0085\""},
		{"HTML stays", "<a>&'", `"<a>&'"`},
		{"non-ASCII stays", "é€😀\u2028", "\"é€😀\u2028\""},
		{"invalid UTF-8", "a\xffb\xe2\x82c\xed\xa0\x80", "\"a\ufffdb\ufffd\ufffdc\ufffd\ufffd\ufffd\""},
		{"U+FFFD stays", "\ufffd", "\"\ufffd\""},
		{"escape in the ninth byte", "12345678\n0123456\"", `"12345678\n0123456\""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(AppendString([]byte("> "), c.text)); got != "> "+c.want {
				t.Errorf("string: got %s, want %s", got, c.want)
			}
			if got := string(AppendString(nil, []byte(c.text))); got != c.want {
				t.Errorf("bytes: got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSkipPlain(t *testing.T) {
	for c := range 256 {
		plain := c >= ' ' && c != '"' && c != '\\' && c < 0x80
		for at := range 20 {
			for _, around := range []string{" ", "!", "#", "[", "]", "\x7f"} {
				text := strings.Repeat(around, at) + string([]byte{byte(c)}) + strings.Repeat(around, 20)
				want := at
				if plain {
					want = len(text)
				}
				if got := skipPlain(text, 0); got != want {
					t.Fatalf("skipPlain(%q) = %d, want %d", text, got, want)
				}
			}
		}
	}
}

func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{`""`, `"abc"`, `"\u0041\ud83d\ude00\ud800"`, `"\\\"\/\b"`, `"é\n"`, `"\ud800\ud800\udc00"`, `"a`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		var want string
		wantOK := len(token) > 0 && token[0] == '"' && token[len(token)-1] == '"' &&
			validByLibrary(token) && json.Unmarshal(token, &want) == nil
		before := string(token)
		if wantOK {
			if got := string(AppendUnquoted(nil, token)); got != want {
				t.Errorf("AppendUnquoted(%q) = %q, want %q", token, got, want)
			}
		}
		got, ok := Unquote(token)
		if string(got) != want || ok != wantOK {
			t.Errorf("Unquote(%q) = %q, %v, want %q, %v", before, got, ok, want, wantOK)
		}
		if !ok && string(token) != before {
			t.Errorf("Unquote(%q) refused and wrote", before)
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain text of some length", "\"\\/\n\x00\x1f\x7f", "é€😀", "\xff\xc0\xaf", "12345678\xe2\x82"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token := AppendString(nil, text)
		if !Valid(token) || !validByLibrary(token) {
			t.Fatalf("AppendString(%q) = %s, which is not valid", text, token)
		}
		want := string([]rune(text)) // every byte that is not UTF-8 replaced
		var decoded string
		if err := json.Unmarshal(token, &decoded); err != nil || decoded != want {
			t.Errorf("the library reads %q, want %q (%v)", decoded, want, err)
		}
		if got, ok := Unquote(AppendString(nil, []byte(text))); !ok || string(got) != want {
			t.Errorf("Unquote reads %q, want %q", got, want)
		}
	})
}

func BenchmarkAppendString(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"name", `private-orders.1847`},
		{"class", `App\Events\OrderShipped`},
		{"json100", `{"user_id":"17","user_info":{"name":"Ann Smith","avatar":"https://example.com/a/17.png","x":1}}`},
		{"ascii1k", strings.Repeat("plain text, sixty-four bytes of it, all of them well within ASCII", 16)},
		{"cyrillic1k", strings.Repeat("Быстрая лиса ", 42)},
	} {
		b.Run(c.name, func(b *testing.B) {
			dst, text := make([]byte, 0, 4096), []byte(c.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendString(dst[:0], text)
			}
		})
	}
}
