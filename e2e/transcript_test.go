package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// transcript is one scripted conversation with a server; testdata/transcripts/README.md tells the format.
type transcript struct {
	Name  string `json:"name"`
	Steps []step `json:"steps"`

	recorded bool // from Laravel Reverb; else our own
}

// step is what is done and everything that comes of it.
type step struct {
	Do  action `json:"do"`
	Why string `json:"why,omitempty"` // own transcripts: the decision
	outcome
}

// action is one of four.
type action struct {
	Open *struct {
		Conn   string `json:"conn"`
		Key    string `json:"key"`
		Origin string `json:"origin"`
	} `json:"open,omitempty"`
	Send *struct {
		Conn string `json:"conn"`
		Text string `json:"text"`
	} `json:"send,omitempty"`
	Close *struct {
		Conn string `json:"conn"`
	} `json:"close,omitempty"`
	HTTP *call `json:"http,omitempty"`
}

// call is a request of the HTTP API. It is signed with the secret of the app with the key App, with Secret if that is given, or
// not at all.
type call struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Query  map[string]string `json:"query"`
	App    string            `json:"app"`
	Body   string            `json:"body"`
	Sign   *bool             `json:"sign"`
	Secret string            `json:"secret"`
}

// outcome is what a step makes the server do.
type outcome struct {
	Got      map[string][]string `json:"got"`    // text messages by connection
	Closed   map[string]int      `json:"closed"` // close codes by connection, noCloseFrame if there is none
	Response *response           `json:"response"`
}

type response struct {
	Status      int    `json:"status"`
	ContentType string `json:"content_type"` // "" and null: none
	Body        string `json:"body"`
}

// noCloseFrame is the code of a connection that ended without a close frame (RFC 6455 section 7.1.5).
const noCloseFrame = 1006

// readTranscripts reads all transcripts of a directory.
func readTranscripts(t *testing.T, dir string, recorded bool) (list []transcript) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in %s: %v", dir, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		tr := transcript{recorded: recorded}
		if err := d.Decode(&tr); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if tr.Name+".json" != filepath.Base(file) {
			t.Fatalf("%s calls itself %s", file, tr.Name)
		}
		list = append(list, tr)
	}
	return list
}

// compare returns how got differs from want, a line a difference. Recorded messages are compared decoded, our own byte for byte.
func compare(want, got outcome, recorded bool) (differences []string) {
	for _, conn := range union(want.Got, got.Got) {
		w, g := want.Got[conn], got.Got[conn]
		for i := range max(len(w), len(g)) {
			switch {
			case i >= len(g):
				differences = append(differences, fmt.Sprintf("%s did not get %s", conn, w[i]))
			case i >= len(w):
				differences = append(differences, fmt.Sprintf("%s got more: %s", conn, g[i]))
			case !sameMessage(w[i], g[i], recorded):
				differences = append(differences, fmt.Sprintf("%s got  %s\n  want   %s", conn, g[i], w[i]))
			}
		}
	}
	for _, conn := range union(want.Closed, got.Closed) {
		if want.Closed[conn] != got.Closed[conn] {
			differences = append(differences, fmt.Sprintf("%s was closed with %d, want %d (0: not at all)", conn, got.Closed[conn], want.Closed[conn]))
		}
	}
	if !sameResponse(want.Response, got.Response, recorded) {
		differences = append(differences, fmt.Sprintf("response %v\n  want   %v", got.Response, want.Response))
	}
	return differences
}

func (r *response) String() string {
	if r == nil {
		return "none"
	}
	return fmt.Sprintf("%d (%s) %s", r.Status, r.ContentType, r.Body)
}

func union[V any](a, b map[string]V) []string {
	keys := slices.Sorted(maps.Keys(a))
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

func sameMessage(want, got string, recorded bool) bool {
	if !recorded {
		return want == got
	}
	w, errW := decodeMessage(want)
	g, errG := decodeMessage(got)
	return errW == nil && errG == nil && reflect.DeepEqual(objects(w), g)
}

// dataText is data that was a JSON string with JSON in it: it must be one on both sides.
type dataText struct{ value any }

// decodeMessage decodes a message, and its data once more if that is a string.
func decodeMessage(text string) (map[string]any, error) {
	v, err := decodeJSON(text)
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, fmt.Errorf("no JSON object: %s", text)
	}
	if data, ok := m["data"].(string); ok {
		if inner, err := decodeJSON(data); err == nil {
			m["data"] = dataText{inner}
		}
	}
	return m, nil
}

// decodeJSON decodes exactly one value; numbers stay as they are written.
func decodeJSON(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value: %s", text)
	}
	return v, nil
}

// objects undoes what PHP's arrays did to the recorded messages: every empty list in them was sent as an empty object.
func objects(v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return map[string]any{}
		}
		for i := range v {
			v[i] = objects(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = objects(v[k])
		}
	case dataText:
		return dataText{objects(v.value)}
	}
	return v
}

func sameResponse(want, got *response, recorded bool) bool {
	if want == nil || got == nil {
		return want == got
	}
	if want.Status != got.Status || want.ContentType != got.ContentType {
		return false
	}
	if !recorded || want.ContentType != "application/json" {
		return want.Body == got.Body
	}
	w, errW := decodeJSON(want.Body)
	g, errG := decodeJSON(got.Body)
	return errW == nil && errG == nil && reflect.DeepEqual(w, g)
}

func TestCompareMessages(t *testing.T) {
	tests := []struct {
		name, want, got string
		same            bool
	}{
		{"the order of members", `{"event":"e","data":"{\"a\":1,\"b\":2}"}`, `{"data":"{\"b\":2,\"a\":1}","event":"e"}`, true},
		{"escapes", `{"event":"\u0065\/"}`, `{"event":"e/"}`, true},
		{"PHP's empty list", `{"data":"{\"user_info\":[]}"}`, `{"data":"{\"user_info\":{}}"}`, true},
		{"an empty list where PHP has one is wrong", `{"data":"{\"user_info\":[]}"}`, `{"data":"{\"user_info\":[]}"}`, false},
		{"a list is not an object", `{"data":"{\"a\":[1]}"}`, `{"data":"{\"a\":{\"0\":1}}"}`, false},
		{"types", `{"data":"{\"user_id\":1}"}`, `{"data":"{\"user_id\":\"1\"}"}`, false},
		{"data a string or not", `{"data":"{\"a\":1}"}`, `{"data":{"a":1}}`, false},
		{"a member more", `{"event":"e"}`, `{"event":"e","data":null}`, false},
		{"numbers as written", `{"data":1}`, `{"data":1.0}`, false},
		{"something behind", `{"event":"e"}`, `{"event":"e"}{}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sameMessage(tt.want, tt.got, true); got != tt.same {
				t.Errorf("sameMessage(%s, %s) = %v", tt.want, tt.got, got)
			}
		})
	}
}
