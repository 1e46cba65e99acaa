package sysctl

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// The configurations of HAProxy, Apache httpd and Caddy have one statement in a line, of which a few matter here. They are read to the
// byte, so that a fix can change a line and leave the file otherwise as it is, and includes come from the recorded machine in tests.
// Caddy's own reader does neither, and adds 6 MB to the program with an ACME client and a DNS library.

// configLine is one statement: its words without quotes, and its place.
type configLine struct {
	file     string
	number   int // from 1
	from, to int // bytes in the file, without the line end
	indent   string
	words    []string // one at least
}

// word is one of the words, "" if there are not so many.
func (l configLine) word(i int) string {
	if i < len(l.words) {
		return l.words[i]
	}
	return ""
}

// begins reports whether the statement begins with these words, in any case of letters.
func (l configLine) begins(words ...string) bool {
	for i, w := range words {
		if !strings.EqualFold(l.word(i), w) {
			return false
		}
	}
	return true
}

func (l configLine) where() string { return fmt.Sprintf("%s, line %d", l.file, l.number) }

// replaced is the edit that makes the line another one.
func (l configLine) replaced(text string) Edit {
	return Edit{File: l.file, From: l.from, To: l.to, Text: l.indent + text}
}

// followed is the edit that puts a line behind this one, further in.
func (l configLine) followed(text string) Edit {
	return Edit{File: l.file, From: l.to, To: l.to, Text: "\n" + l.indent + "    " + text}
}

// dialect is how a program reads its lines.
type dialect struct {
	quotes     string                      // characters that a quoted word stands between
	comments   bool                        // a # begins a comment within a line, too
	include    func(l configLine) []string // patterns of the files that the line is replaced by; nil if it includes none
	includeDir string                      // that relative patterns start at; "" is the directory of the including file
}

// maxIncludes is the deepest nesting of includes; a file that includes itself ends there.
const maxIncludes = 16

var errIncludesItself = errors.New("includes are nested too deep; does a file include itself?")

// lines are the statements of a file and of those that it includes, in order.
func (d dialect) lines(r reader, file string, depth int) ([]configLine, error) {
	if depth > maxIncludes {
		return nil, fmt.Errorf("%s: %w", file, errIncludesItself)
	}
	text, err := r.text(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", file, reason(err))
	}
	var all []configLine
	for _, l := range d.split(file, text) {
		patterns := d.include(l)
		if patterns == nil {
			all = append(all, l)
			continue
		}
		for _, pattern := range patterns {
			if !path.IsAbs(pattern) && d.includeDir != "" {
				pattern = path.Join(d.includeDir, pattern)
			} else if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(file), pattern)
			}
			for _, name := range r.glob(pattern) {
				included, err := d.lines(r, name, depth+1)
				if err != nil {
					return nil, err
				}
				all = append(all, included...)
			}
		}
	}
	return all, nil
}

// split cuts a text into statements. A backslash at its end continues a line.
func (d dialect) split(file, text string) []configLine {
	var all []configLine
	at, number := 0, 0
	for at < len(text) {
		l := configLine{file: file, number: number + 1, from: at}
		raw := ""
		for {
			line, rest, more := strings.Cut(text[at:], "\n")
			number++
			l.to = at + len(strings.TrimSuffix(line, "\r"))
			at = len(text) - len(rest)
			trimmed := strings.TrimRight(line, " \t\r")
			if body, ok := strings.CutSuffix(trimmed, `\`); ok && more {
				raw += body + " "
				continue
			}
			raw += trimmed
			break
		}
		l.indent = raw[:len(raw)-len(strings.TrimLeft(raw, " \t"))]
		if l.words = d.words(raw); len(l.words) > 0 {
			all = append(all, l)
		}
	}
	return all
}

// words are those of a line without quotes and comments.
func (d dialect) words(line string) []string {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' && (d.comments || len(words) == 0) {
			return words
		}
		var word string
		word, line = d.cutWord(line)
		words = append(words, word)
	}
}

// cutWord reads a word, parts of which may be quoted. Behind a backslash everything but the end of the line is itself.
func (d dialect) cutWord(s string) (word, rest string) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quote == 0 && strings.IndexByte(d.quotes, c) >= 0:
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), s[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
