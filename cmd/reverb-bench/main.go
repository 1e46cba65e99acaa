// Command reverb-bench is a load tester for servers that speak Pusher's protocol: reverbd, Laravel Reverb, soketi and
// others.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"reverbd/bench"
	"reverbd/cmd/internal/manual"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "dev"

// Exit codes.
const (
	exitFaults = 1 // the server lost, doubled or reordered messages, or refused or dropped connections
	exitUsage  = 2 // nothing was measured
)

var errFaults = cli.Exit("", exitFaults)

func main() {
	if len(os.Args) > 1 && slices.Contains(bench.Subprograms, os.Args[1]) {
		subprogram(os.Args[1])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	if err := command().RunContext(ctx, os.Args); err != nil {
		os.Exit(fail(err))
	}
}

// fail prints the error, and returns the exit code.
func fail(err error) int {
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "reverb-bench: "+text)
	}
	if exit, ok := errors.AsType[cli.ExitCoder](err); ok {
		return exit.ExitCode()
	}
	return exitUsage
}

// subprogram runs this program as a subprogram. It ignores Ctrl-C on the terminal: it ends with the process that started it.
func subprogram(name string) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	if err := bench.Subprogram(name, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
}

// self returns a command that runs this program as a subprogram.
func self(name string) *exec.Cmd {
	return exec.Command("/proc/self/exe", name) //nolint:gosec // it is a name of ours
}

func command() *cli.App {
	app := &cli.App{
		Name:  "reverb-bench",
		Usage: "a load tester for servers that speak Pusher's protocol",
		Description: "Connects clients, sends messages, counts what arrives, and with --server-pid measures what\n" +
			"that costs the server. Exit code 1 says that the server lost, doubled or reordered messages, or refused\n" +
			"or dropped connections; 2 that nothing could be measured.",
		Version:         version,
		HideHelpCommand: true,
		Commands:        []*cli.Command{manual.Command(1)},

		EnableBashCompletion: true,
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return cli.Exit(err.Error()+" (see reverb-bench --help)", exitUsage)
		},
		ExitErrHandler: func(*cli.Context, error) {}, // main prints and exits
		Flags:          []cli.Flag{compareFlag},
		Action: func(c *cli.Context) error {
			if c.IsSet(compareFlag.Name) {
				return compare(c.App.Writer, append([]string{c.String(compareFlag.Name)}, c.Args().Slice()...))
			}
			if c.Args().Present() {
				return cli.Exit(fmt.Sprintf("there is no scenario %q (see reverb-bench --help)", c.Args().First()), exitUsage)
			}
			return cli.ShowAppHelp(c)
		},
	}
	app.Commands = append(app.Commands, versusCommand())
	for _, s := range bench.Scenarios {
		app.Commands = append(app.Commands, &cli.Command{
			Name: s.Name, Usage: s.Usage, Flags: flags(s), OnUsageError: app.OnUsageError,
			Action: func(c *cli.Context) error { return run(c, s) },
		})
	}
	return app
}
