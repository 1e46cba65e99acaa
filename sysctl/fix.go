package sysctl

import (
	"fmt"
	"slices"
	"strings"
)

// sysctlFile is where all settings of the kernel are put.
const sysctlFile = "/etc/sysctl.d/60-reverbd.conf"

// sysctl sets a parameter of the kernel.
func (f Facts) sysctl(name string, value any) Fix {
	fix := Fix{File: sysctlFile, Lines: []string{fmt.Sprintf("%s = %v", name, plain(value))}, Apply: "sysctl --system"}
	if f.Process.Container {
		fix.Say = "on the host of this container"
		if perNetwork(name) {
			fix.Say = fmt.Sprintf("on the host, or for this container: docker run --sysctl %s='%v'", name, plain(value))
		}
	}
	return fix
}

// unitName returns the systemd service of the server, "" if there is none.
func (f Facts) unitName() string {
	switch {
	case f.Process.Manager == BySystemd:
		return f.Process.Unit
	case f.Process.Manager == ByHand && f.Unit != nil:
		return f.Unit.Name
	}
	return ""
}

// dropIn adds a line to a service of systemd.
func (f Facts) dropIn(unit, line string) Fix {
	return Fix{
		File: "/etc/systemd/system/" + unit + ".d/60-reverbd.conf", Section: "[Service]", Lines: []string{line},
		Apply: "systemctl daemon-reload && systemctl restart " + unit,
	}
}

// perNetwork reports whether a container has its own value of a parameter.
func perNetwork(name string) bool {
	return strings.HasPrefix(name, "net.") && name != "net.ipv4.tcp_mem"
}

// plain writes a Number without commas.
func plain(v any) any {
	if n, ok := v.(Number); ok {
		return int64(n)
	}
	return v
}

// File is a file that is ready to be installed; without a path, it holds what must be done by hand.
type File struct {
	Path    string `json:"path,omitempty"`
	Content string `json:"content"`
}

// Changes returns the files that the findings ask for: those of reverbd's own, and those of others with the edits made. What no file
// can do comes last, as a comment.
func Changes(s Source, findings []Finding, n Need) ([]File, error) {
	byPath := make(map[string][]Fix)
	var paths, words []string
	for _, finding := range findings {
		for _, fix := range finding.Fixes {
			switch {
			case fix.File == "":
				words = append(words, fix.Say)
				continue
			case byPath[fix.File] == nil:
				paths = append(paths, fix.File)
			}
			byPath[fix.File] = append(byPath[fix.File], fix)
		}
	}
	var files []File
	for _, p := range paths {
		file, err := change(s, p, byPath[p], n)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(words) > 0 {
		slices.Sort(words)
		text := "# By hand:\n"
		for _, w := range slices.Compact(words) {
			text += "# - " + w + "\n"
		}
		files = append(files, File{Content: text})
	}
	return files, nil
}

// change merges all fixes of one file.
func change(s Source, path string, fixes []Fix, n Need) (File, error) {
	text := fmt.Sprintf("# %s\n# For reverbd with %s connections.", path, n.Connections)
	var commands []string
	for _, f := range fixes {
		if f.Apply != "" && !slices.Contains(commands, f.Apply) {
			commands = append(commands, f.Apply)
		}
	}
	if len(commands) > 0 {
		text += " Then: " + strings.Join(commands, "; ") + "."
	}
	text += "\n"
	if edits := editsOf(fixes); len(edits) > 0 {
		old, err := reader{s.Root}.text(path)
		if err != nil {
			return File{}, fmt.Errorf("sysctl: reading what is to be changed: %w", err)
		}
		return File{path, text + apply(old, edits)}, nil
	}
	old, _ := reader{s.Root}.text(path)
	if fixes[0].whole {
		old = ""
	}
	return File{path, text + merge(old, fixes)}, nil
}

// merge returns a file of reverbd's own with the lines of the fixes. What an earlier fix has put there stays, but for settings that
// are made again. Each of these files has one section, or none.
func merge(old string, fixes []Fix) string {
	var lines []string
	made := make(map[string]bool)
	for _, f := range fixes {
		for _, line := range f.Lines {
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
			made[setting(line)] = !f.whole
		}
	}
	var kept []string
	for line := range strings.Lines(old) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.ContainsAny(line[:1], "#;[") && !made[setting(line)] {
			kept = append(kept, line)
		}
	}
	if section := fixes[0].Section; section != "" {
		kept = append([]string{section}, kept...)
	}
	return strings.Join(append(kept, lines...), "\n") + "\n"
}

// setting returns what a line sets: "net.core.somaxconn" of a parameter, and all but the number of a line of limits.conf.
func setting(line string) string {
	if name, _, ok := strings.Cut(line, "="); ok {
		return strings.TrimPrefix(strings.TrimSpace(name), "-") // with it sysctl ignores an unknown parameter
	}
	words := strings.Fields(line)
	return strings.Join(words[:len(words)-1], " ")
}

// editsOf returns all edits of the fixes of one file, without duplicates.
func editsOf(fixes []Fix) []Edit {
	var edits []Edit
	for _, f := range fixes {
		for _, e := range f.edits {
			if !slices.Contains(edits, e) {
				edits = append(edits, e)
			}
		}
	}
	return edits
}

// apply makes the edits, from the last to the first so that the places of the others stay right.
func apply(text string, edits []Edit) string {
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.From - b.From })
	for _, e := range slices.Backward(edits) {
		text = text[:e.From] + e.Text + text[e.To:]
	}
	return text
}
