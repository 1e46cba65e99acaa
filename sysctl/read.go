package sysctl

import (
	"io/fs"
	"path"
	"strings"
)

// Source is where facts are read from.
type Source struct {
	Root   fs.FS                            // the root of the file system: os.DirFS("/"), or a recorded machine
	Lookup func(name string) (string, bool) // environment
	Clock  func() Clock                     // SystemClock, or a recorded one

	// Files to look at, by their absolute names, and a unit of systemd, by its name or file. Each may be empty.
	Nginx, HAProxy, Apache, Caddy, Supervisor, Unit string
}

// Read collects the facts. What cannot be read is Unknown; a named file that cannot be read says so in its part of the facts.
func Read(s Source) Facts {
	r := reader{s.Root}
	f := Facts{
		Process: r.process(s.Lookup),
		Files: Files{
			Max:          r.number("proc/sys/fs/file-max"),
			Allocated:    r.field("proc/sys/fs/file-nr", 0),
			NrOpen:       r.number("proc/sys/fs/nr_open"),
			EpollWatches: r.number("proc/sys/fs/epoll/max_user_watches"),
		},
		Net:    r.net(),
		Memory: r.memory(),
		Group:  r.group(),
		CPUs:   r.cpus(),
		Clock:  s.Clock(),
	}
	if s.Nginx != "" {
		f.Nginx = readNginx(r, s.Nginx)
	}
	if s.HAProxy != "" {
		f.HAProxy = readHAProxy(r, s.HAProxy)
	}
	if s.Apache != "" {
		f.Apache = readApache(r, s.Apache)
	}
	if s.Caddy != "" {
		f.Caddy = readCaddy(r, s.Caddy)
	}
	if file := s.supervisorFile(r, f.Process); file != "" {
		f.Supervisor = readSupervisor(r, file)
	}
	if unit := s.unit(f.Process); unit != "" {
		f.Unit = readUnit(r, unit)
	}
	if s.Unit != "" && f.Process.Manager == ByHand {
		f.Group = f.Unit.Group // not that of the shell that runs the command
		f.Group.Version = 2
	}
	return f
}

// supervisorFile is the named file, or, when supervisor runs this process, the one that it was started with, or the usual one.
func (s Source) supervisorFile(r reader, p Process) string {
	if s.Supervisor != "" || p.Manager != BySupervisor {
		return s.Supervisor
	}
	text, _ := r.text("proc/" + first(r.status("self")["PPid"]) + "/cmdline")
	args := strings.Split(text, "\x00")
	for i, arg := range args[:len(args)-1] {
		if (arg == "-c" || arg == "--configuration") && path.IsAbs(args[i+1]) {
			return args[i+1]
		}
	}
	for _, name := range []string{"/etc/supervisor/supervisord.conf", "/etc/supervisord.conf"} {
		if r.exists(name) {
			return name
		}
	}
	return ""
}

func (s Source) unit(p Process) string {
	if s.Unit != "" {
		return s.Unit
	}
	return p.Unit
}

// reader reads small files of the system. Names may begin with a slash.
type reader struct{ root fs.FS }

func (r reader) text(name string) (string, error) {
	b, err := fs.ReadFile(r.root, inRoot(name))
	return string(b), err
}

// inRoot is the name of a file as an fs.FS wants it.
func inRoot(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name != "" {
		return name
	}
	return "."
}

func (r reader) exists(name string) bool {
	_, err := fs.Stat(r.root, inRoot(name))
	return err == nil
}

// words are the words of a file, none when it cannot be read.
func (r reader) words(name string) []string {
	text, _ := r.text(name)
	return strings.Fields(text)
}

// number is the number that a file consists of.
func (r reader) number(name string) Number { return r.field(name, 0) }

// field is one of the numbers that a file consists of.
func (r reader) field(name string, i int) Number {
	words := r.words(name)
	if i >= len(words) {
		return Unknown
	}
	return parseNumber(words[i])
}

func (r reader) triple(name string) Triple {
	return Triple{r.field(name, 0), r.field(name, 1), r.field(name, 2)}
}
