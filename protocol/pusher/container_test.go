package pusher

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// readMembers returns what Members gives for a text, as "key=value".
func readMembers(text string) (got []string, err error) {
	members, err := ObjectMembers([]byte(text))
	if err != nil {
		return nil, err
	}
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		got = append(got, string(key)+"="+string(value))
	}
	return got, members.Err()
}

func TestMembers(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		err        error
	}{
		{"empty", ` {} `, nil, nil},
		{"values as sent", `{"a": [1, 2] ,"b":"x\n","c":{ "d":1.0 } , "e":null}`, []string{"a=[1, 2]", `b="x\n"`, `c={ "d":1.0 }`, "e=null"}, nil},
		{"keys decoded", `{"\u0061\n":1,"b":2,"\"":3}`, []string{"a\n=1", "b=2", `"=3`}, nil},
		{"keys twice", `{"a":1,"a":2}`, []string{"a=1", "a=2"}, nil},
		{"keys are case-sensitive", `{"Event":1}`, []string{"Event=1"}, nil},
		{"array", `[1]`, nil, ErrNotObject},
		{"string", `"{}"`, nil, ErrNotObject},
		{"nothing", ``, nil, ErrNotObject},
		{"something behind", `{"a":1}}`, []string{"a=1"}, ErrInvalidJSON},
		{"malformed value", `{"a":1,"b":[1,}`, []string{"a=1"}, ErrInvalidJSON},
		{"not closed", `{"a":1`, []string{"a=1"}, ErrInvalidJSON},
		{"malformed key", `{"a":1,"\x":1}`, []string{"a=1"}, ErrInvalidJSON},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readMembers(c.text)
			if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestMembersAfterTheEnd(t *testing.T) {
	members, _ := ObjectMembers([]byte(`{} `))
	for range 3 {
		if _, _, ok := members.Next(); ok {
			t.Error("Next gave a member")
		}
		if err := members.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestMembersErrBeforeTheEnd(t *testing.T) {
	members, _ := ObjectMembers([]byte(`{"a":1}`))
	members.Next()
	if members.Err() == nil {
		t.Error("a text that is not read to its end passes for valid")
	}
}

func TestElements(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		err        error
	}{
		{"empty", `[]`, nil, nil},
		{"values as sent", ` [1, "a" ,{"b": 2},[ ]] `, []string{"1", `"a"`, `{"b": 2}`, `[ ]`}, nil},
		{"object", `{}`, nil, ErrNotArray},
		{"nothing", ` `, nil, ErrNotArray},
		{"not closed", `[1`, []string{"1"}, ErrInvalidJSON},
		{"malformed", `[1,x]`, []string{"1"}, ErrInvalidJSON},
		{"something behind", `[1] 2`, []string{"1"}, ErrInvalidJSON},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			elements, err := ArrayElements([]byte(c.text))
			for value, ok := elements.Next(); ok && err == nil; value, ok = elements.Next() {
				got = append(got, string(value))
			}
			if err == nil {
				err = elements.Err()
			}
			if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestElementsDoesNotAllocate(t *testing.T) {
	text := []byte(`["a",{"b":[1,2,3]},"c"]`)
	if n := testing.AllocsPerRun(100, func() {
		elements, _ := ArrayElements(text)
		for _, ok := elements.Next(); ok; _, ok = elements.Next() {
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1,"\u0062":{"c":[]},"a":"x"}`))
	f.Add([]byte(` { "a" : [ 1 , 2 ] } `))
	f.Add([]byte(`[1,{"a":2}]`))
	f.Fuzz(func(t *testing.T, p []byte) {
		before := string(p)
		got := make(map[string]string)
		members, err := ObjectMembers(p)
		for key, value, ok := members.Next(); ok && err == nil; key, value, ok = members.Next() {
			got[string(key)] = string(value)
		}
		if err == nil {
			err = members.Err()
		}
		if string(p) != before {
			t.Fatal("the text was written to")
		}
		var want map[string]json.RawMessage
		if isObject := validByLibrary(p) && json.Unmarshal(p, &want) == nil && want != nil; isObject != (err == nil) {
			t.Fatalf("%q: %v, but the library says %v", p, err, isObject)
		}
		if err == nil && fmt.Sprint(got) != fmt.Sprint(stringsOf(want)) {
			t.Errorf("%q: got %q, want %q", p, got, want)
		}
	})
}

func stringsOf(raw map[string]json.RawMessage) map[string]string {
	m := make(map[string]string, len(raw))
	for key, value := range raw {
		m[key] = string(value)
	}
	return m
}
