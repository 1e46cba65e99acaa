package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"reverbd/cmd/reverbd/control"
)

// answerTimeout is how long a server may take to answer: it gives a new process a minute to start.
const answerTimeout = 2 * time.Minute

// exitNoServer is the exit code of status where no server runs, as the Linux Standard Base has it.
const exitNoServer = 3

// controlCommands are the commands for a server that runs.
func controlCommands(flags []cli.Flag) []*cli.Command {
	command := func(name control.Command, usage string, action func(*cli.Context, *control.Client) error) *cli.Command {
		own := append(slices.Clip(flags), pidFlag())
		if name == control.Status {
			own = append(own, &cli.BoolFlag{Name: "json", Usage: "write for machines"})
		}
		return &cli.Command{Name: string(name), Usage: usage, Flags: own, Action: func(c *cli.Context) error {
			client, err := find(c)
			if _, none := errors.AsType[noServer](err); none && name == control.Status {
				return cli.Exit(err.Error(), exitNoServer)
			}
			if err != nil {
				return err
			}
			return action(c, client)
		}}
	}
	return []*cli.Command{
		command(control.Stop, "stop the server that runs with this configuration, and wait until it has ended", stopServer),
		command(control.Restart, "have a new process take its place, without refusing anybody", askServer(control.Restart)),
		command(control.Reload, "have it read its configuration again: apps, keys, origins, limits, log level", askServer(control.Reload)),
		command(control.Status, "tell how it is", showStatus),
		tailCommand(flags),
	}
}

// pidFlag is the flag of every command that finds a server.
func pidFlag() cli.Flag {
	return &cli.IntFlag{Name: "pid", Usage: "the server that has the process id `NUMBER`, whatever the configuration"}
}

// stopServer waits for the server and for the first process, which the service manager knows.
func stopServer(_ *cli.Context, client *control.Client) error {
	server, err := control.Watch(client.PID)
	if err != nil {
		return err
	}
	answer, err := ask(client, control.Stop)
	if err != nil {
		return err
	}
	server.Wait()
	if answer.Status != nil && answer.Status.Parent != 0 {
		parent, err := control.Watch(answer.Status.Parent)
		if err != nil {
			return err
		}
		parent.Wait()
	}
	return nil
}

func askServer(command control.Command) func(*cli.Context, *control.Client) error {
	return func(c *cli.Context, client *control.Client) error {
		answer, err := ask(client, command)
		for _, note := range answer.Notes {
			fmt.Fprintln(c.App.Writer, note)
		}
		return err
	}
}

func ask(client *control.Client, command control.Command) (control.Answer, error) {
	answer, err := client.Call(command, answerTimeout)
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	return answer, err
}

func showStatus(c *cli.Context, client *control.Client) error {
	answer, err := ask(client, control.Status)
	if err == nil && answer.Status == nil {
		err = errors.New("the server did not tell its status")
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(answer.Status)
	}
	return writeStatus(c.App.Writer, answer.Status, time.Now())
}

func writeStatus(out io.Writer, r *control.Report, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "pid\t%d\n", r.PID)
	if r.Parent != 0 {
		fmt.Fprintf(w, "started by\t%d\n", r.Parent)
	}
	if len(r.Addresses) > 0 { // a server of an earlier version does not tell them
		fmt.Fprintf(w, "listens on\t%s\n", places(*r))
		fmt.Fprintf(w, "directory\t%s\n", r.Directory)
	}
	fmt.Fprintf(w, "version\t%s\n", r.Version)
	fmt.Fprintf(w, "uptime\t%v\n", now.Sub(r.Started).Round(time.Second))
	fmt.Fprintf(w, "connections\t%d\n", r.Connections)
	if r.Draining {
		fmt.Fprintf(w, "state\tdraining\n")
	} else {
		fmt.Fprintf(w, "state\tserving\n")
	}
	if r.Cluster != nil {
		writeCluster(w, r.Cluster)
	}
	for _, a := range r.Apps {
		state := ""
		if a.Disabled {
			state = " (disabled)"
		}
		fmt.Fprintf(w, "app %s\t%d connections%s\n", a.ID, a.Connections, state)
	}
	for _, c := range r.Counters {
		if c.N > 0 {
			fmt.Fprintf(w, "%s\t%d\n", c.Name, c.N)
		}
	}
	return w.Flush()
}

// writeCluster writes the state of the connection with the other nodes, and its error counters that are not 0.
func writeCluster(w io.Writer, c *control.Cluster) {
	state := "away"
	if c.Connected {
		state = "connected"
	}
	fmt.Fprintf(w, "Redis\t%s, reached %d times, %d bytes wait for it\n", state, c.Sessions, c.Waiting)
	fmt.Fprintf(w, "other nodes\t%d\n", c.Others)
	for _, trouble := range []struct {
		name string
		n    int64
	}{{"events lost", c.Lost}, {"questions unheard", c.Unheard}, {"foreign messages", c.Foreign}} {
		if trouble.n > 0 {
			fmt.Fprintf(w, "%s\t%d\n", trouble.name, trouble.n)
		}
	}
}
