package config

import "strings"

// dotenvEntry is one entry of a .env file: a line, or the lines of a value in double quotes.
type dotenvEntry struct {
	text string
	line int // the first one, from 1
}

// splitEntries splits a .env file by the rules of phpdotenv's Lines class, without comments and empty lines. open is the entry that
// the file ends in, whose line is 0 if there is none.
func splitEntries(src string) (entries []dotenvEntry, open dotenvEntry) {
	src = strings.TrimPrefix(src, "\ufeff")
	src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	var e dotenvEntry
	multiline, number := false, 0
	for line := range strings.SplitSeq(src, "\n") {
		number++
		begins := beginsMultiline(line)
		if multiline {
			e.text += "\n" + line
		} else {
			multiline, e = begins, dotenvEntry{line, number}
		}
		if multiline && !endsMultiline(line, begins) {
			continue
		}
		multiline = false
		if text := trim(e.text); text != "" && text[0] != '#' {
			entries = append(entries, e)
		}
	}
	if multiline {
		open = e
	}
	return entries, open
}

// beginsMultiline reports whether the value of the line is not closed on it.
func beginsMultiline(line string) bool {
	return strings.Contains(line, `="`) && !endsMultiline(line, true)
}

// endsMultiline reports whether a value in double quotes ends on the line: by a quote that follows anything but a backslash, or,
// where the value begins on the line, by two of them.
func endsMultiline(line string, begins bool) bool {
	if line == `"` {
		return true
	}
	line = strings.ReplaceAll(line, `\\`, "")
	quotes := 0
	for i := 1; i < len(line); i++ {
		if line[i] == '"' && line[i-1] != '\\' {
			quotes++
		}
	}
	if begins {
		return quotes > 1
	}
	return quotes > 0
}
