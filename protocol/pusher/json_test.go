package pusher

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestValid(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"empty", "", false},
		{"only space", " \n\r\t", false},
		{"space around", " \n\r\t1 ", true},
		{"other white space", "\v1", false},
		{"byte order mark", "\ufeff1", false},
		{"words", `[true,false,null]`, true},
		{"word cut short", `tru`, false},
		{"word with more", `nullx`, false},
		{"capital word", `True`, false},
		{"numbers", `[0,-0,1,-12,1.5,0.0,1e5,1E+5,1e-05,123456789012345678901234567890]`, true},
		{"leading zero", `01`, false},
		{"negative leading zero", `-01`, false},
		{"plus sign", `+1`, false},
		{"minus alone", `-`, false},
		{"no digit before the dot", `.5`, false},
		{"no digit behind the dot", `1.`, false},
		{"no exponent", `1e`, false},
		{"no exponent behind the sign", `1e+`, false},
		{"hexadecimal", `0x1`, false},
		{"strings", `["","a","\"\\\/\b\f\n\r\t\u00e9","é€😀"]`, true},
		{"string not ended", `"abc`, false},
		{"string ended by an escape", `"abc\"`, false},
		{"unknown escape", `"\x"`, false},
		{"escaped capital U", `"\U0041"`, false},
		{"escape cut short", `"\u00e"`, false},
		{"escape at the end", `"\`, false},
		{"lone surrogate", `"\ud800"`, true},
		{"new line in a string", "\"a\nb\"", false},
		{"NUL in a string", "\"abcdefg\x00\"", false},
		{"DEL in a string", "\"\x7f\"", true},
		{"invalid UTF-8", "\"\xff\"", false},
		{"overlong UTF-8", "\"\xc0\xaf\"", false},
		{"UTF-8 surrogate", "\"\xed\xa0\x80\"", false},
		{"UTF-8 cut short", "\"\xe2\x82\"", false},
		{"U+FFFD itself", "\"\ufffd\"", true},
		{"empty array", `[ ]`, true},
		{"arrays", `[1, [2 ,3] , [] ]`, true},
		{"comma at the end of an array", `[1,]`, false},
		{"comma at the start of an array", `[,1]`, false},
		{"no comma", `[1 2]`, false},
		{"array not closed", `[1`, false},
		{"array closed by a brace", `[1}`, false},
		{"empty object", `{ }`, true},
		{"objects", `{ "a" : { "b" : [ ] } , "" : 1 }`, true},
		{"comma at the end of an object", `{"a":1,}`, false},
		{"no colon", `{"a" 1}`, false},
		{"no value", `{"a":}`, false},
		{"no key", `{:1}`, false},
		{"bare key", `{a:1}`, false},
		{"number for a key", `{1:1}`, false},
		{"object not closed", `{"a":1`, false},
		{"object ends behind a key", `{"a"`, false},
		{"object ends behind a colon", `{"a":`, false},
		{"two values", `1 2`, false},
		{"something behind", `{}x`, false},
		{"comment", `{}/**/`, false},
		{"greatest depth", nested(MaxDepth), true},
		{"one level too deep", nested(MaxDepth + 1), false},
		{"much too deep, not closed", strings.Repeat(`[`, 1_000_000), false},
		{"objects too deep", strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Valid([]byte(c.text)); got != c.want {
				t.Errorf("Valid(%.60q) = %v", c.text, got)
			}
		})
	}
}

func TestIsComposite(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`: true, ` [1] `: true, `{"a":[]}`: true,
		``: false, ` `: false, `1`: false, `null`: false, `"{}"`: false, `{`: false, `[1,]`: false, `{}{}`: false,
	} {
		if IsComposite([]byte(text)) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

// depthOf returns how deep valid JSON is nested.
func depthOf(p []byte) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// validByLibrary is what Valid has to answer.
func validByLibrary(p []byte) bool {
	return utf8.Valid(p) && json.Valid(p) && depthOf(p) <= MaxDepth
}

func FuzzValid(f *testing.F) {
	for _, seed := range []string{
		`{"event":"client-x","channel":"c","data":{"a":[1,-2.5e+3,true,false,null,"é\u00e9\ud83d\ude00\n"]}}`,
		`[[],{},"",0]`, ` [1 , 2 ] `, `{"a":{"a":{}},"b":[[[]]]}`, `"\"`, `-0.0e-0`, "\"\xff\"", `{"a":1,}`, `01`, `nul`,
		nested(MaxDepth), nested(MaxDepth + 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if got, want := Valid(p), validByLibrary(p); got != want {
			t.Errorf("Valid(%q) = %v, want %v", p, got, want)
		}
	})
}

func BenchmarkValid(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"whisper", whisper},
		{"cyrillic10kB", `{"data":"` + strings.Repeat("Быстрая лиса ", 420) + `"}`},
		{"chinese10kB", `{"data":"` + strings.Repeat("敏捷的狐狸", 680) + `"}`},
		{"ascii10kB", `{"data":"` + strings.Repeat(`some longer text, with \"quotes\" `, 300) + `"}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := []byte(c.text)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				if !Valid(p) {
					b.Fatal("invalid")
				}
			}
		})
	}
}
