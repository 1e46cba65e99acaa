package sysctl

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Level is the severity of a finding.
type Level int

// The levels, from good to bad.
const (
	OK Level = iota
	Warning
	Fatal
)

func (l Level) String() string { return [...]string{"ok", "warning", "fatal"}[l] }

// MarshalJSON writes the level as a word.
func (l Level) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// Finding is the outcome of one check.
type Finding struct {
	Check string `json:"check"` // its name, which does not change: "descriptors", "nginx.connections"
	Level Level  `json:"level"`
	Found string `json:"found"` // what is there
	Need  string `json:"need"`  // what N connections need
	Why   string `json:"why"`   // the arithmetic behind it, or the reason
	Fixes []Fix  `json:"fixes,omitempty"`
}

// Fix is one change that helps: lines of a file, edits of one that is there, or words where no file does it.
type Fix struct {
	File    string   `json:"file,omitempty"`    // absolute
	Section string   `json:"section,omitempty"` // of the file: "[Service]"
	Lines   []string `json:"lines,omitempty"`
	Apply   string   `json:"apply,omitempty"` // the command after which it counts
	Say     string   `json:"say,omitempty"`   // what to do where no file does it

	whole bool   // the lines are all of the file
	edits []Edit // for a file of another program, whose other lines stay
}

// Edit replaces the bytes From to To of a file.
type Edit struct {
	File     string
	From, To int
	Text     string
}

// maxShown is the number of lines that are shown in a sentence.
const maxShown = 3

// String returns the change as a sentence.
func (f Fix) String() string {
	if f.File == "" {
		return f.Say
	}
	what := strings.Join(f.Lines, " ")
	if len(f.Lines) > maxShown {
		what = fmt.Sprintf("%s ... (%d lines; see --print-fixes)", strings.Join(f.Lines[:maxShown-1], " "), len(f.Lines))
	}
	if f.Section != "" {
		what = f.Section + " " + what
	}
	s := f.File + ": " + what
	if f.Say != "" {
		s += " (" + f.Say + ")"
	}
	if f.Apply != "" {
		s += " - then: " + f.Apply
	}
	return s
}

// Worst returns the worst level of the findings.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		worst = max(worst, f.Level)
	}
	return worst
}

// Only returns the findings of at least that level.
func Only(findings []Finding, least Level) []Finding {
	var found []Finding
	for _, f := range findings {
		if f.Level >= least {
			found = append(found, f)
		}
	}
	return found
}

// finding returns a finding with the level of the first limit that is exceeded.
func finding(check string, level Level, found, need, why string, fixes ...Fix) Finding {
	f := Finding{Check: check, Level: level, Found: found, Need: need, Why: why}
	if level != OK {
		f.Fixes = fixes
	}
	return f
}

// unknownFact returns the finding about a fact that the system does not show.
func unknownFact(check, why string) Finding {
	return Finding{Check: check, Found: Unknown.String(), Need: "-", Why: why}
}

// levelOf returns Fatal if the first condition holds, Warning if the second does, and otherwise OK.
func levelOf(fatal, warning bool) Level {
	switch {
	case fatal:
		return Fatal
	case warning:
		return Warning
	}
	return OK
}
