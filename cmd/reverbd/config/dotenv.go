package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// variable is one assignment of a .env file.
type variable struct {
	text    string
	line    int
	unknown string // a ${NAME} in it that nothing defines; Laravel leaves it as it stands
	cut     bool   // an unquoted value ended at a # that has no space before it
}

// dotenv reads a .env file as Laravel does (vlucas/phpdotenv 5), because both must arrive at the same secret:
//
//   - "${NAME}" is the environment's value, else that of an earlier line, and otherwise stays as it is; $NAME is text
//   - a # anywhere in an unquoted value starts a comment, and white space within one is refused
//   - double quotes know \" \\ \$ \n \r \t \f \v, and may span lines; single quotes know no escapes
//   - NAME alone, without =, undefines what a line above has defined
//
// github.com/joho/godotenv differs in most of these (it turns pa$WORD into "pa"), has no line numbers, and puts the
// rest of the file into its errors. A test compares dotenv with phpdotenv itself over generated files. One difference is
// intended: phpdotenv silently ignores everything from a quote that is never closed to the end of the file, which is refused here.
type dotenv struct {
	lookup func(string) (string, bool)
	vars   map[string]variable
	broken []brokenLine
}

// brokenLine never carries the text of the line, which may be a secret.
type brokenLine struct {
	line int
	text string
}

func parseDotenv(src string, lookup func(string) (string, bool)) (map[string]variable, []brokenLine) {
	d := dotenv{lookup: lookup, vars: make(map[string]variable)}
	entries, open := splitEntries(src)
	for _, e := range entries {
		if err := d.entry(e); err != nil {
			d.broken = append(d.broken, brokenLine{e.line, err.Error()})
		}
	}
	if open.line > 0 {
		name, _, _ := strings.Cut(open.text, "=")
		if name, ok := entryName(trim(name)); ok {
			d.broken = append(d.broken, brokenLine{open.line, name + " " + errUnclosed.Error()})
		} else {
			d.broken = append(d.broken, brokenLine{open.line, errUnclosed.Error()}) // a comment, perhaps
		}
	}
	return d.vars, d.broken
}

// entry assigns one variable.
func (d *dotenv) entry(e dotenvEntry) error {
	name, text, assigned := strings.Cut(e.text, "=")
	if assigned {
		name = trim(name) // phpdotenv does not trim a name alone
	}
	if name == "" {
		return errors.New("has no name before the =; write NAME=value")
	}
	name, ok := entryName(name)
	switch {
	case !ok && !assigned:
		return errors.New("is not an assignment; write NAME=value, or # before a comment")
	case !ok:
		return errors.New("has no proper name before the =; use letters, digits, underscores and dots")
	case !assigned:
		delete(d.vars, name)
		return nil
	}
	p := valueParser{}
	if err := p.parse(trim(text)); err != nil {
		return errors.New(name + " " + err.Error())
	}
	v := variable{line: e.line, cut: p.cut}
	v.text = d.resolve(p, &v)
	d.vars[name] = v
	return nil
}

// resolve replaces the references in a value, the last one first: so one may stand in the name of another.
func (d *dotenv) resolve(p valueParser, v *variable) string {
	text := string(p.out)
	for _, at := range slices.Backward(p.dollars) {
		m := reference.FindStringSubmatch(text[at:])
		if m == nil {
			continue
		}
		value, ok := d.lookup(m[1])
		if !ok {
			var earlier variable
			earlier, ok = d.vars[m[1]]
			value = earlier.text
		}
		if !ok || len(text)+len(value) > maxExpanded {
			v.unknown = m[0]
			continue
		}
		text = text[:at] + value + text[at+len(m[0]):]
	}
	return text
}

// maxExpanded stops lines that double each other, A="${A}${A}", from filling the memory.
const maxExpanded = 64 << 10

var (
	variableName = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)
	reference    = regexp.MustCompile(`^\$\{([A-Za-z0-9_.]+)\}`)
)

// entryName is the name of an entry without export and quotes around it. phpdotenv takes export for a part of the name where
// all together has no more than eight characters.
func entryName(s string) (name string, ok bool) {
	const export = "export"
	if len(s) > 8 && strings.HasPrefix(s, export) && isSpace(s[len(export)]) {
		s = strings.TrimLeft(s[len(export):], phpSpace)
	}
	if n := len(s); n > 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		s = s[1 : n-1]
	}
	return s, variableName.MatchString(s)
}

// phpSpace is what PHP's trim removes.
const phpSpace = " \t\n\r\x00\v"

func trim(s string) string { return strings.Trim(s, phpSpace) }

// isSpace is PHP's ctype_space.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
