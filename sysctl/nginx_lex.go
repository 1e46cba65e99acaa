package sysctl

import (
	"fmt"
	"strings"
)

// The configuration language of nginx is read here, rather than by a library, because an advice that changes a file needs the
// place of every directive to the byte, and because includes must come from the recorded machine in tests.

// nginxToken is a word, or one of ; { and }.
type nginxToken struct {
	text     string
	mark     byte // ';', '{' or '}'; 0 for a word
	from, to int  // bytes in the file
	line     int
}

// nginxLexer cuts a file into tokens.
type nginxLexer struct {
	src  string
	at   int
	line int
}

// next returns the next token, and false at the end.
func (l *nginxLexer) next() (nginxToken, bool, error) {
	l.skip()
	if l.at >= len(l.src) {
		return nginxToken{}, false, nil
	}
	t := nginxToken{from: l.at, line: l.line}
	var err error
	switch c := l.src[l.at]; c {
	case ';', '{', '}':
		t.mark = c
		l.at++
	case '"', '\'':
		t.text, err = l.quoted(c)
	default:
		t.text = l.bare()
	}
	t.to = l.at
	return t, true, err
}

// skip passes over space and comments. A # within a word begins none.
func (l *nginxLexer) skip() {
	for l.at < len(l.src) {
		switch l.src[l.at] {
		case '\n':
			l.line++
		case ' ', '\t', '\r':
		case '#':
			if end := strings.IndexByte(l.src[l.at:], '\n'); end >= 0 {
				l.at += end
				continue
			}
			l.at = len(l.src)
			return
		default:
			return
		}
		l.at++
	}
}

// quoted reads up to the closing quote. Backslashes stay, as nginx keeps them in regular expressions, but before a quote.
func (l *nginxLexer) quoted(quote byte) (string, error) {
	var b strings.Builder
	opened := l.line
	for l.at++; l.at < len(l.src); l.at++ {
		switch c := l.src[l.at]; {
		case c == quote:
			l.at++
			return b.String(), nil
		case c == '\\' && l.at+1 < len(l.src):
			l.at++
			l.escaped(&b)
		default:
			l.take(&b)
		}
	}
	return "", fmt.Errorf("line %d: the quote is not closed", opened)
}

// bare reads a word without quotes. ${name} belongs to it.
func (l *nginxLexer) bare() string {
	var b strings.Builder
	for l.at < len(l.src) {
		c := l.src[l.at]
		switch {
		case strings.IndexByte(" \t\r\n;", c) >= 0, c == '{' && !strings.HasSuffix(b.String(), "$"):
			return b.String()
		case c == '\\' && l.at+1 < len(l.src):
			l.at++
			l.escaped(&b)
		default:
			l.take(&b)
		}
		l.at++
	}
	return b.String()
}

func (l *nginxLexer) take(b *strings.Builder) {
	if l.src[l.at] == '\n' {
		l.line++
	}
	b.WriteByte(l.src[l.at])
}

// escaped takes the character behind a backslash, and the backslash too where nginx keeps it.
func (l *nginxLexer) escaped(b *strings.Builder) {
	switch c := l.src[l.at]; c {
	case '"', '\'', '\\':
		b.WriteByte(c)
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'n':
		b.WriteByte('\n')
	default:
		b.WriteByte('\\')
		l.take(b)
	}
}

// raw passes over a block in Lua, as content_by_lua_block has one, to behind its closing brace. Braces within strings and comments
// do not count.
func (l *nginxLexer) raw() error {
	opened, depth := l.line, 1
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		size := 1
		switch c := rest[0]; {
		case c == '"' || c == '\'':
			size = luaString(rest, c)
		case strings.HasPrefix(rest, "[["):
			size = upTo(rest, "]]")
		case strings.HasPrefix(rest, "--"):
			size = upTo(rest, "\n")
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		l.line += strings.Count(rest[:size], "\n")
		if l.at += size; depth == 0 {
			return nil
		}
	}
	return fmt.Errorf("line %d: the block is not closed", opened)
}

// luaString is the length of the string at the beginning of s, with its quotes.
func luaString(s string, quote byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return len(s)
}

// upTo is the length of s up to behind the mark, all of it without one.
func upTo(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return len(s)
}
