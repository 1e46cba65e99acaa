package sysctl

import (
	"path"
	"strconv"
	"strings"

	"gopkg.in/ini.v1"
)

// Supervisor is what supervisor's configuration and running process say about descriptors.
type Supervisor struct {
	File    string
	Problem string // why the file cannot be used; the rest is not known then
	MinFDs  Number // minfds, 1024 unless set
	Running Limit  // of the supervisord that runs; Unknown when none does

	edit Edit // that sets minfds, but for the setting itself
}

// defaultMinFDs is supervisor's.
const defaultMinFDs = 1024

// readSupervisor reads the file and those that its [include] names, in their order: a later one overrides.
func readSupervisor(r reader, file string) *Supervisor {
	s := &Supervisor{File: file, MinFDs: defaultMinFDs, Running: Limit{Unknown, Unknown}}
	if pid := r.running("supervisord"); pid != "" {
		s.Running = r.limit(pid, "Max open files")
	}
	text, err := r.text(file)
	if err != nil {
		s.Problem = reason(err)
		return s
	}
	s.edit = minFDsEdit(file, text)
	main, err := parseINI(text)
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	s.take(file, main)
	for pattern := range strings.FieldsSeq(main.Section("include").Key("files").String()) {
		if !path.IsAbs(pattern) {
			pattern = path.Join(path.Dir(file), pattern)
		}
		for _, name := range r.glob(pattern) {
			s.include(r, name)
		}
	}
	return s
}

func (s *Supervisor) include(r reader, name string) {
	text, err := r.text(name)
	if err != nil {
		s.Problem = name + ": " + reason(err)
		return
	}
	conf, err := parseINI(text)
	if err != nil {
		s.Problem = name + ": " + err.Error()
		return
	}
	if conf.Section("supervisord").HasKey("minfds") {
		s.edit = minFDsEdit(name, text)
	}
	s.take(name, conf)
}

func (s *Supervisor) take(name string, conf *ini.File) {
	key := conf.Section("supervisord").Key("minfds")
	if key.String() == "" {
		return
	}
	n, err := strconv.ParseInt(strings.TrimSpace(key.String()), 10, 64)
	if err != nil || n < 0 {
		s.Problem = name + ": minfds is " + strconv.Quote(key.String()) + ", not a number"
		return
	}
	s.MinFDs = Number(n)
}

// parseINI reads as Python's parser does in supervisor: comments behind a space and ; or #, values over indented lines.
func parseINI(text string) (*ini.File, error) {
	return ini.LoadSources(ini.LoadOptions{
		AllowPythonMultilineValues: true,
		SpaceBeforeInlineComment:   true,
		SkipUnrecognizableLines:    true,
		IgnoreContinuation:         true,
		AllowShadows:               false,
	}, []byte(text))
}

// minFDsEdit finds the place of minfds: the line that has it, or the line behind [supervisord]. Without that section there is
// none, and supervisor would not start.
func minFDsEdit(file, text string) Edit {
	at, inside := 0, false
	edit := Edit{}
	for line := range strings.Lines(text) {
		next := at + len(line)
		bare := strings.TrimSpace(line)
		key, _, _ := strings.Cut(bare, "=")
		switch {
		case strings.HasPrefix(bare, "["):
			if inside = strings.HasPrefix(bare, "[supervisord]"); inside {
				edit = Edit{File: file, From: next, To: next, Text: strings.Repeat("\n", 1-strings.Count(line, "\n"))}
			}
		case inside && strings.TrimSpace(key) == "minfds":
			return Edit{File: file, From: at, To: next}
		}
		at = next
	}
	return edit
}
