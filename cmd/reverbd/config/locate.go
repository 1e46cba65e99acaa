package config

import "errors"

// Connectable reads what a request to the server that was started with this configuration needs to know: where it listens, and what is
// spoken there. Other mistakes do not matter, unless a source cannot be read at all.
func Connectable(flags map[string]string, lookup func(name string) (string, bool), dir string) (Config, error) {
	l := &loader{flags: flags, lookup: lookup, dir: dir}
	l.readDotenv()
	l.readFile()
	if !l.unread {
		l.problems = nil
	}
	c := Config{Dev: l.boolean(settingDev, false)}
	c.Host, c.Port = l.host(c.Dev), l.port()
	c.Hostname = l.hostname(settingHostname)
	l.listening(&c)
	return c, errors.Join(l.problems...)
}

// Locate reads what a command needs to find the server that was started with this configuration: Host, Port, Listen and PidFile.
// Mistakes in other settings are ignored, so that the server can be reached when a reload would refuse them, unless they may hide
// one of these four.
func Locate(flags map[string]string, lookup func(name string) (string, bool), dir string) (Config, error) {
	l := &loader{flags: flags, lookup: lookup, dir: dir}
	l.readDotenv()
	l.readFile()
	unread := l.problems
	if !l.unread {
		unread = nil
	}
	l.problems = nil

	c := Config{Dev: l.boolean(settingDev, false)}
	if c.PidFile = l.pidFile(); c.PidFile != "" {
		return c, nil
	}
	if c.Listen = l.listen(c.Dev); len(c.Listen) > 0 {
		return c, errors.Join(l.problems...)
	}
	_, hasHost := l.find(settingHost)
	_, hasPort := l.find(settingPort)
	if !hasHost || !hasPort {
		l.problems = append(l.problems, unread...)
	}
	c.Host = l.host(c.Dev)
	c.Port = l.port()
	return c, errors.Join(l.problems...)
}
