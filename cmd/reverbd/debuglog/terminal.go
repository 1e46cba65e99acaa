package debuglog

import "os"

// For returns the options that fit f: its width, and colours, if it is a terminal and NO_COLOR is not set
// (https://no-color.org: any text but the empty one).
func For(f *os.File, lookup func(string) (string, bool)) Options {
	width, ok := columns(f)
	if !ok {
		return Options{}
	}
	noColor, _ := lookup("NO_COLOR")
	term, _ := lookup("TERM")
	return Options{Width: width, Color: noColor == "" && term != "dumb"}
}
