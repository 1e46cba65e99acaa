package config

import (
	"fmt"
	"strconv"
	"strings"
)

// setting names one value in each of its sources; an empty name means that the source has none.
type setting struct{ flag, env, file string }

// origin says where a value came from, as errors and notes name it: "REVERB_SERVER_PORT in .env, line 3".
type origin struct {
	key   string // may be the file itself, with an empty place
	place string // file, or "the environment"; empty for a flag
	line  int    // 0 when there is none
}

func (o origin) String() string {
	switch {
	case o.place == "" && o.line == 0:
		return o.key
	case o.place == "":
		return fmt.Sprintf("%s, line %d", o.key, o.line)
	case o.line == 0:
		return o.key + " in " + o.place
	default:
		return fmt.Sprintf("%s in %s, line %d", o.key, o.place, o.line)
	}
}

// value is one setting as it was written. A list of the config file has its elements in list.
type value struct {
	text   string
	list   []value
	isList bool
	from   origin
}

// shown is the value as an error quotes it: escaped and short. Never call it for a secret.
func (v value) shown() string {
	const most = 40
	if r := []rune(v.text); len(r) > most {
		return strconv.Quote(string(r[:most]) + "...")
	}
	return strconv.Quote(v.text)
}

// loader collects values, problems and notes during one Load.
type loader struct {
	flags  map[string]string
	lookup func(string) (string, bool)
	dir    string

	dotenv     map[string]variable
	dotenvName string
	file       document

	links map[string]bool // of Kubernetes, which a note has told

	unread   bool // a source could not be read, so what is missing may be in there
	problems []error
	notes    []string
}

// find returns the value of the first source that has the setting.
func (l *loader) find(s setting) (value, bool) {
	if text, ok := l.flags[s.flag]; ok && s.flag != "" {
		return value{text: text, from: origin{key: "--" + s.flag}}, true
	}
	if v, ok := l.environment(s.env); ok {
		return v, true
	}
	v, ok := l.file.values[s.file]
	return v, ok
}

// environment looks into the environment and then into .env. A name in the environment hides the one in .env, and
// Laravel's words count: null is "not set", empty is "".
func (l *loader) environment(name string) (value, bool) {
	if name == "" {
		return value{}, false
	}
	v := value{from: origin{key: name, place: "the environment"}}
	text, ok := l.lookup(name)
	if ok && isServiceLink(name, text) {
		l.noteServiceLink(name, text)
		ok = false
	}
	if ok {
		v.text = stripQuotes(text)
	} else {
		entry, found := l.dotenv[name]
		if !found {
			return value{}, false
		}
		v.text, v.from.place, v.from.line = entry.text, l.dotenvName, entry.line
	}
	switch strings.ToLower(v.text) {
	case "null", "(null)":
		return value{}, false
	case "empty", "(empty)":
		v.text = ""
	}
	return v, true
}

// stripQuotes removes one pair of quotes around the whole, as Laravel's env() does with the real environment.
func stripQuotes(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
