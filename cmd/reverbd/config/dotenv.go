package config

import (
	"fmt"
	"regexp"
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
//   - a # anywhere in an unquoted value starts a comment
//   - double quotes know \" \\ \$ \n \r \t \f \v, and may span lines; single quotes know no escapes
//
// github.com/joho/godotenv differs in each of these (it turns pa$WORD into "pa"), has no line numbers, and puts the
// rest of the file into its errors. The tests hold the two together where they do agree.
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
	src = strings.ReplaceAll(strings.TrimPrefix(src, "\ufeff"), "\r\n", "\n")
	for line := 1; src != ""; {
		used, err := d.statement(src, line)
		if err != nil {
			d.broken = append(d.broken, brokenLine{line, err.Error()})
			used = lineLength(src)
		}
		line += strings.Count(src[:used], "\n")
		src = src[used:]
	}
	return d.vars, d.broken
}

// statement reads the line, or the lines, at the beginning of src and says how many bytes these were.
func (d *dotenv) statement(src string, line int) (used int, err error) {
	used = lineLength(src)
	text := strings.TrimSpace(src[:used])
	if text == "" || text[0] == '#' {
		return used, nil
	}
	name, _, ok := strings.Cut(src[:used], "=")
	if !ok {
		return used, fmt.Errorf("is not an assignment; write NAME=value, or # before a comment")
	}
	start := len(name) + 1
	name = strings.TrimSpace(name)
	if after, ok := strings.CutPrefix(name, "export"); ok && strings.TrimLeft(after, " \t") != after {
		name = strings.TrimSpace(after)
	}
	if !variableName.MatchString(name) {
		return used, fmt.Errorf("has no proper name before the =; use letters, digits, underscores and dots")
	}
	start += len(src[start:used]) - len(strings.TrimLeft(src[start:used], " \t"))

	v := variable{line: line}
	if strings.HasPrefix(src[start:], `"`) || strings.HasPrefix(src[start:], `'`) {
		n, err := d.quoted(&v, name, src[start:])
		if err != nil {
			return used, err
		}
		used = start + n
	} else {
		d.unquoted(&v, src[start:used])
	}
	d.vars[name] = v
	return used, nil
}

func (d *dotenv) unquoted(v *variable, s string) {
	s = strings.TrimSpace(s)
	if at := strings.IndexByte(s, '#'); at >= 0 {
		v.cut = at > 0 && s[at-1] != ' ' && s[at-1] != '\t'
		s = strings.TrimSpace(s[:at])
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		i += d.appendNext(&out, v, s[i:])
	}
	v.text = out.String()
}

// quoted reads a value that begins with a quote, to the end of the line on which the quote is closed.
func (d *dotenv) quoted(v *variable, name, s string) (used int, err error) {
	var out strings.Builder
	quote, i := s[0], 1
	for {
		switch {
		case i >= len(s):
			return 0, fmt.Errorf("%s has a quote that is never closed; end the value with %c", name, quote)
		case s[i] == quote:
			v.text = out.String()
			end := i + 1 + lineLength(s[i+1:])
			if tail := strings.TrimSpace(s[i+1 : end]); tail != "" && tail[0] != '#' {
				return 0, fmt.Errorf("%s has text behind its closing quote, or a quote that is not closed; "+
					`put the whole value into one pair of quotes, and \" for a quote inside`, name)
			}
			return end, nil
		case quote == '\'':
			out.WriteByte(s[i])
			i++
		case s[i] == '\\':
			c, ok := unescape(s[i+1:])
			if !ok {
				return 0, fmt.Errorf(`%s has a backslash before a character that needs none; write \\ for a backslash`, name)
			}
			out.WriteByte(c)
			i += 2
		default:
			i += d.appendNext(&out, v, s[i:])
		}
	}
}

// appendNext appends the byte or the ${NAME} at the beginning of s and says how long it was.
func (d *dotenv) appendNext(out *strings.Builder, v *variable, s string) int {
	m := reference.FindStringSubmatch(s)
	if m == nil {
		out.WriteByte(s[0])
		return 1
	}
	text, ok := d.lookup(m[1])
	if !ok {
		var earlier variable
		earlier, ok = d.vars[m[1]]
		text = earlier.text
	}
	if !ok || out.Len()+len(text) > maxExpanded {
		text, v.unknown = m[0], m[0]
	}
	out.WriteString(text)
	return len(m[0])
}

// maxExpanded stops lines that double each other, A="${A}${A}", from filling the memory.
const maxExpanded = 64 << 10

var (
	variableName = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)
	reference    = regexp.MustCompile(`^\$\{([A-Za-z0-9_.]+)\}`)
)

func unescape(s string) (byte, bool) {
	if s == "" {
		return 0, false
	}
	const from, to = `"\$nrtfv`, "\"\\$\n\r\t\f\v"
	at := strings.IndexByte(from, s[0])
	if at < 0 {
		return 0, false
	}
	return to[at], true
}

// lineLength counts the bytes up to and with the next newline.
func lineLength(s string) int {
	if at := strings.IndexByte(s, '\n'); at >= 0 {
		return at + 1
	}
	return len(s)
}
