package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/control"
)

// noServer is the error of a command that found no server.
type noServer string

// Error implements error.
func (e noServer) Error() string { return string(e) }

// find reaches the server that a command is for: the one of --pid, or the one that was started with the configuration of this command.
// If that one does not run and no flag names a server, it is the only one that fits: see choose.
func find(c *cli.Context) (*control.Client, error) {
	if c.IsSet("pid") {
		return findByPID(c.Int("pid"))
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the working directory: %w", err)
	}
	given := config.Given(c)
	conf, err := config.Locate(given, os.LookupEnv, dir)
	if err != nil {
		return nil, cli.Exit("the configuration does not say where the server is\n"+err.Error(), exitUsage)
	}
	if conf.PidFile != "" {
		return findByPidFile(conf.PidFile)
	}
	addresses := conf.Addresses()
	client, err := control.Dial(controlPaths().ForClient(control.Name(addresses)), os.Geteuid())
	missing, none := errors.AsType[*control.NoServerError](err)
	switch {
	case !none:
		return client, err
	case missing.Stale != "":
		return nil, noServer(err.Error())
	}
	return findAnother(c.App.ErrWriter, strings.Join(addresses, ", "), dir, namesServer(given))
}

// namesServer reports whether a flag says which server is meant, so that another one is not.
func namesServer(given map[string]string) bool {
	return slices.ContainsFunc([]string{"host", "port", "listen"}, func(name string) bool { return given[name] != "" })
}

// findAnother is for a configuration whose server does not run: perhaps its address has changed since the server was started.
func findAnother(notes io.Writer, addresses, dir string, named bool) (*control.Client, error) {
	absent := "no server runs with this configuration, which says that it listens on " + addresses
	running := controlPaths().Running()
	if !named {
		if r := choose(running, dir); r != nil {
			_, _ = fmt.Fprintf(notes, "%s; process %d is meant, which listens on %s\n", absent, r.Report.PID, places(r.Report))
			return control.Dial([]string{r.Path}, os.Geteuid())
		}
	}
	if len(running) == 0 {
		return nil, noServer(absent)
	}
	return nil, noServer(absent + "\nThese run; choose one with --pid:\n" + list(running))
}

// choose returns the only server that was started in dir or, if none was, the only one at all; otherwise nil.
func choose(running []control.Running, dir string) *control.Running {
	here := slices.DeleteFunc(slices.Clone(running), func(r control.Running) bool { return r.Report.Directory != dir })
	switch {
	case len(here) == 1:
		return &here[0]
	case len(here) == 0 && len(running) == 1:
		return &running[0]
	}
	return nil
}

// findByPID reaches the server that has this process id, or was started by the process that has it.
func findByPID(pid int) (*control.Client, error) {
	running := controlPaths().Running()
	for _, r := range running {
		if r.Report.PID == pid || r.Report.Parent == pid {
			return control.Dial([]string{r.Path}, os.Geteuid())
		}
	}
	if len(running) == 0 {
		return nil, noServer(fmt.Sprintf("process %d is not a server that this user may control, and no other runs", pid))
	}
	return nil, noServer(fmt.Sprintf("process %d is not a server that this user may control; these are:\n%s", pid, list(running)))
}

func findByPidFile(path string) (*control.Client, error) {
	client, err := control.Dial([]string{control.Beside(path)}, os.Geteuid())
	if _, none := errors.AsType[*control.NoServerError](err); !none {
		return client, err
	}
	pid, pidErr := readPidFile(path)
	switch process, watchErr := control.Watch(pid); {
	case errors.Is(pidErr, os.ErrNotExist):
		return nil, noServer("no server runs with this configuration: there is no pid file " + path)
	case pidErr != nil:
		return nil, pidErr
	case watchErr == nil && process == nil:
		return nil, noServer(fmt.Sprintf("no server runs with this configuration: process %d, which %s names, does not run any longer; it was killed",
			pid, path))
	}
	return nil, fmt.Errorf("process %d, which %s names, does not answer: %w", pid, path, err)
}

// list is a line for each server.
func list(running []control.Running) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, r := range running {
		_, _ = fmt.Fprintf(w, "  pid %d\t%s\tapps %s\tin %s\n", r.Report.PID, places(r.Report), appIDs(r.Report), r.Report.Directory)
	}
	_ = w.Flush()
	return strings.TrimSuffix(text.String(), "\n")
}

func places(r control.Report) string { return strings.Join(r.Addresses, ", ") }

// appIDs names at most three apps.
func appIDs(r control.Report) string {
	var ids []string
	for _, a := range r.Apps {
		ids = append(ids, a.ID)
	}
	if len(ids) > 3 {
		ids = append(ids[:3], fmt.Sprintf("and %d more", len(ids)-3))
	}
	return strings.Join(ids, ", ")
}
