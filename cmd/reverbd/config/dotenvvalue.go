package config

import "errors"

// valueParser parses one value of a .env file by the rules of phpdotenv's EntryParser class.
type valueParser struct {
	out     []byte
	dollars []int // places in out at which a reference may begin
	cut     bool  // see variable

	state valueState
}

type valueState uint8

const (
	stateBegin valueState = iota
	stateUnquoted
	stateSingleQuoted
	stateDoubleQuoted
	stateEscape
	stateBehind // the value
	stateComment
)

var (
	errUnclosed  = errors.New("has a quote that is never closed; end the value with the quote that it begins with")
	errEscape    = errors.New(`has a backslash before a character that needs none; write \\ for a backslash`)
	errUnquoted  = errors.New("has white space in a value without quotes; put the value into double quotes")
	errBehindEnd = errors.New(`has text behind its closing quote; put the whole value into one pair of quotes, and \" for a quote inside`)
)

// parse parses a value without white space around it.
func (p *valueParser) parse(s string) error {
	behind := errUnquoted
	for i := range len(s) {
		c := s[i]
		switch p.state {
		case stateBegin:
			p.begin(c)
			if p.state != stateUnquoted {
				behind = errBehindEnd
			}
		case stateUnquoted:
			p.unquoted(c, i > 0 && !isSpace(s[i-1]))
		case stateSingleQuoted:
			if c == '\'' {
				p.state = stateBehind
			} else {
				p.out = append(p.out, c)
			}
		case stateDoubleQuoted:
			p.doubleQuoted(c)
		case stateEscape:
			c, ok := unescape(c)
			if !ok {
				return errEscape
			}
			p.out, p.state = append(p.out, c), stateDoubleQuoted
		case stateBehind:
			if c == '#' {
				p.state = stateComment
			} else if !isSpace(c) {
				return behind
			}
		case stateComment:
			return nil
		}
	}
	switch p.state {
	case stateSingleQuoted, stateDoubleQuoted, stateEscape:
		return errUnclosed
	}
	return nil
}

func (p *valueParser) begin(c byte) {
	switch c {
	case '\'':
		p.state = stateSingleQuoted
	case '"':
		p.state = stateDoubleQuoted
	default:
		p.state = stateUnquoted
		p.unquoted(c, false)
	}
}

func (p *valueParser) unquoted(c byte, joined bool) {
	switch {
	case c == '#':
		p.state, p.cut = stateComment, joined
	case isSpace(c):
		p.state = stateBehind
	default:
		p.text(c)
	}
}

func (p *valueParser) doubleQuoted(c byte) {
	switch c {
	case '"':
		p.state = stateBehind
	case '\\':
		p.state = stateEscape
	default:
		p.text(c)
	}
}

// text appends a byte that may begin a reference.
func (p *valueParser) text(c byte) {
	if c == '$' {
		p.dollars = append(p.dollars, len(p.out))
	}
	p.out = append(p.out, c)
}

func unescape(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '$':
		return c, true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'f':
		return '\f', true
	case 'v':
		return '\v', true
	}
	return 0, false
}
