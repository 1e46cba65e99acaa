package sysctl

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// Unit holds the limits that a systemd service sets for its process.
type Unit struct {
	Name        string
	Problem     string // why it cannot be used; the rest is not known then
	Descriptors Limit  // LimitNOFILE, or the manager's default
	From        string // the file that sets it, "" for the default
	Group       Group  // MemoryMax, TasksMax and CPUQuota; what they do not limit is Unknown
}

// unitDirs are the directories of units, in systemd's order of precedence.
func unitDirs() []string {
	return []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

// systemd's own limits for what it starts, since version 240.
const (
	defaultSoftNOFILE = 1024
	defaultHardNOFILE = 524288
)

// readUnit reads a unit, given by its name or its file, and its drop-ins.
func readUnit(r reader, name string) *Unit {
	file := ""
	if strings.Contains(name, "/") {
		file, name = name, path.Base(name)
	}
	if path.Ext(name) == "" {
		name += ".service"
	}
	u := &Unit{Name: name, Descriptors: r.managerDefault(), Group: unlimitedGroup()}
	if file == "" {
		file = r.unitFile(name)
	}
	if file == "" {
		u.Problem = "there is no such unit in " + strings.Join(unitDirs(), ", ")
		return u
	}
	for _, f := range append([]string{file}, r.dropIns(name)...) {
		if err := u.read(r, f); err != nil {
			u.Problem = f + ": " + reason(err)
			return u
		}
	}
	// systemd cuts infinity down to what the kernel allows.
	most := r.number("proc/sys/fs/nr_open")
	u.Descriptors = Limit{least(u.Descriptors.Soft, most), least(u.Descriptors.Hard, most)}
	return u
}

// unitFile is the file of a unit, or of its template.
func (r reader) unitFile(name string) string {
	for _, n := range []string{name, templateOf(name)} {
		for _, dir := range unitDirs() {
			if file := path.Join(dir, n); n != "" && r.exists(file) {
				return file
			}
		}
	}
	return ""
}

// templateOf is reverbd@.service for reverbd@1.service, "" for a unit without an instance.
func templateOf(name string) string {
	prefix, _, ok := strings.Cut(name, "@")
	if !ok {
		return ""
	}
	return prefix + "@" + path.Ext(name)
}

// dropIns are the files that add to a unit, in the order in which they count: by file name, whichever directory they are in. Of
// two with the same name the one in the stronger directory is read.
func (r reader) dropIns(name string) []string {
	byName := make(map[string]string)
	for _, owner := range dropInOwners(name) {
		for _, dir := range unitDirs() {
			entries, _ := fs.ReadDir(r.root, inRoot(path.Join(dir, owner+".d")))
			for _, e := range entries {
				if _, stronger := byName[e.Name()]; !stronger && strings.HasSuffix(e.Name(), ".conf") {
					byName[e.Name()] = path.Join(dir, owner+".d", e.Name())
				}
			}
		}
	}
	names := make([]string, 0, len(byName))
	for n := range byName {
		names = append(names, n)
	}
	slices.Sort(names)
	files := make([]string, len(names))
	for i, n := range names {
		files[i] = byName[n]
	}
	return files
}

// dropInOwners are the names whose .d directories add to a unit, the most specific first: a-b.service also has those of
// a-.service, and every service those of service.
func dropInOwners(name string) []string {
	owners := []string{name}
	if t := templateOf(name); t != "" {
		owners = append(owners, t)
	}
	ext := path.Ext(name)
	base := strings.TrimSuffix(name, ext)
	for i := len(base) - 1; i > 0; i-- {
		if base[i] == '-' && i < len(base)-1 {
			owners = append(owners, base[:i+1]+ext)
		}
	}
	return append(owners, strings.TrimPrefix(ext, "."))
}

func (u *Unit) read(r reader, file string) error {
	text, err := r.text(file)
	if err != nil {
		return err
	}
	options, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		return err
	}
	for _, o := range options {
		if o.Section != "Service" {
			continue
		}
		if err := u.set(r, file, o.Name, o.Value); err != nil {
			return err
		}
	}
	return nil
}

// set takes one line of a [Service] section. An empty value brings the default back.
func (u *Unit) set(r reader, file, name, value string) (err error) {
	switch name {
	case "LimitNOFILE":
		if u.Descriptors, u.From = r.managerDefault(), ""; value != "" {
			u.Descriptors, err = parseLimit(value)
			u.From = file
		}
	case "MemoryMax", "MemoryLimit":
		u.Group.Memory = parseSize(value)
	case "TasksMax":
		u.Group.Tasks = limited(parseNumber(value))
	case "CPUQuota":
		percent, _ := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
		u.Group.CPUs = max(percent, 0) / 100
	}
	return err
}

// limited returns a limit, Unknown if there is none.
func limited(n Number) Number {
	if n == Unlimited {
		return Unknown
	}
	return n
}

// parseSize reads a size as systemd does: bytes, or with K, M, G or T. A share of the machine, or no limit, is Unknown.
func parseSize(s string) Number {
	factor := Number(1)
	if i := strings.IndexAny(s, "KMGT"); i > 0 && i == len(s)-1 {
		factor <<= 10 * (1 + strings.IndexByte("KMGT", s[i]))
		s = s[:i]
	}
	return limited(parseNumber(s).times(factor))
}

// managerDefault is DefaultLimitNOFILE of system.conf, or systemd's own default.
func (r reader) managerDefault() Limit {
	u := Unit{Descriptors: Limit{defaultSoftNOFILE, defaultHardNOFILE}}
	text, _ := r.text("/etc/systemd/system.conf")
	options, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		return u.Descriptors
	}
	for _, o := range options {
		if limit, err := parseLimit(o.Value); o.Section == "Manager" && o.Name == "DefaultLimitNOFILE" && err == nil {
			u.Descriptors = limit
		}
	}
	return u.Descriptors
}

// parseLimit reads "65536", "1024:65536" or "infinity". One number is both limits.
func parseLimit(s string) (Limit, error) {
	soft, hard, both := strings.Cut(strings.TrimSpace(s), ":")
	if !both {
		hard = soft
	}
	l := Limit{parseNumber(soft), parseNumber(hard)}
	if !l.Soft.Known() || !l.Hard.Known() || l.Soft > l.Hard {
		return l, errors.New("LimitNOFILE=" + s + " is not a limit")
	}
	return l, nil
}
