// Command reverbd is a Pusher-protocol WebSocket server that takes the place of Laravel Reverb's reverb:start.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
	"go.uber.org/zap"

	"reverbd/cmd/internal/manual"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/logwriter"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "dev"

// Exit codes. A supervisor need not restart what was configured wrongly.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	if v := stubFrom(os.Args); v != nil {
		os.Exit(v.runStub())
	}
	if err := command().Run(os.Args); err != nil {
		if text := err.Error(); text != "" { // what is empty has been said
			complain(text)
		}
		code := exitFailure
		if exit, ok := errors.AsType[cli.ExitCoder](err); ok {
			code = exit.ExitCode()
		}
		os.Exit(code)
	}
}

// complain writes to standard error why the program ends, and does not wait for ever where nobody reads that.
func complain(text string) {
	w := logwriter.New(os.Stderr, nil)
	_, _ = fmt.Fprintln(w, "reverbd: "+text)
	_ = w.Close()
}

func command() *cli.App {
	flags := config.Flags()
	return &cli.App{
		Name:  "reverbd",
		Usage: "a Pusher-protocol WebSocket server, in the place of Laravel Reverb",
		Description: "Settings come from flags, the environment, .env in the working directory, and the file that --config names, in\n" +
			"this order. Exit code 0 says that it was stopped, 1 that it could not start or go on, 2 that a flag or a\n" +
			"setting is wrong.",
		Version:         version,
		Flags:           flags,
		HideHelpCommand: true,
		Action:          start,
		Commands: append([]*cli.Command{{
			Name: "start", Usage: "run the server (what reverbd alone does, too)", Flags: flags, Action: start,
		}, webhookCommand(flags), preflightCommand(), healthCheckCommand(flags), manual.Command(8)}, controlCommands(flags)...),
		EnableBashCompletion: true,
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return cli.Exit(err.Error()+" (see reverbd --help)", exitUsage)
		},
		ExitErrHandler: func(*cli.Context, error) {}, // main prints and exits
	}
}

func start(c *cli.Context) error {
	if c.Args().Present() {
		return cli.Exit(fmt.Sprintf("%q is not a command (see reverbd --help)", c.Args().First()), exitUsage)
	}
	inherited, err := inherit()
	if err != nil {
		return cli.Exit(err.Error(), exitUsage)
	}
	err = startWith(c, inherited)
	inherited.failed(err)
	return err
}

// startWith starts the server with what it inherits from an old one, if it does.
func startWith(c *cli.Context, inherited *handover) error {
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the working directory: %w", err)
	}
	read := func() (config.Config, error) { return config.Load(config.Given(c), os.LookupEnv, dir) }
	conf, err := read()
	if err != nil {
		return cli.Exit("the configuration cannot be used\n"+err.Error(), exitUsage)
	}
	loosenTimerSlack(conf.TimerSlack)
	setProcessors(conf)
	inherited.adopt()
	out := openOutput()
	defer out.close()
	i := &instance{
		conf: conf, reread: read, program: findProgram(dir), inherited: inherited, supervisor: inheritedSupervisor(inherited), output: out,
	}
	if err := serve(i); err != nil {
		if i.successor == nil {
			return err
		}
		i.log.Error("the old process has not ended well", zap.Error(err)) // the new one must not end with it
	}
	if i.successor == nil {
		i.supervisor.announceStop()
	}
	out.close() // finishing may execute another program
	if code := i.finish(); code != 0 {
		return cli.Exit("", code)
	}
	return nil
}
