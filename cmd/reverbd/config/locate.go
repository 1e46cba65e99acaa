package config

import "errors"

// Locate reads what a command needs to find the server that was started with this configuration: Host, Port, Listen and the PidFile. Other
// mistakes do not matter, since the server is to be reached also when a reload would tell of them; only where they may hide what
// is looked for they are an error.
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
