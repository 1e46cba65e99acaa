package debuglog

import (
	"strings"
	"unicode/utf8"
)

// maxValue cuts titles and values; a channel name has 200 bytes at most.
const maxValue = 200

const (
	gray     = "\x1b[90m"
	whiteRed = "\x1b[97;41m"
	plain    = "\x1b[0m"
)

// appendColumns appends "  title ....... value" across the width, with two columns free on either side.
func (l *Log) appendColumns(b []byte, title, value string) []byte {
	title, value = oneLine(title), oneLine(value)
	used := 2 + utf8.RuneCountInString(title) + 1 + 2
	if value != "" {
		used += 1 + utf8.RuneCountInString(value)
	}
	b = append(b, "  "...)
	b = append(b, title...)
	b = append(b, ' ')
	b = l.appendColored(b, gray, strings.Repeat(".", max(l.width-used, 3)))
	if value != "" {
		b = append(b, ' ')
		b = append(b, value...)
	}
	return append(b, '\n')
}

// appendError appends Symfony's error block: the first line is the error, what follows is its reason.
func (l *Log) appendError(b []byte, text string) []byte {
	const label = " [ERROR] "
	first, reason, _ := strings.Cut(text, "\n")
	b = append(b, "\n "...)
	b = l.appendColored(b, whiteRed, label+oneLine(first)+" ")
	b = append(b, '\n')
	if reason != "" {
		b = append(b, strings.Repeat(" ", 1+len(label))...)
		b = append(b, oneLine(reason)...)
		b = append(b, '\n')
	}
	return append(b, '\n')
}

func (l *Log) appendColored(b []byte, color, text string) []byte {
	if !l.color {
		return append(b, text...)
	}
	b = append(b, color...)
	b = append(b, text...)
	return append(b, plain...)
}

func oneLine(s string) string {
	return string(appendSafe(nil, shorten(s, maxValue), false))
}
