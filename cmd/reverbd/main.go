// Command reverbd is a Pusher-protocol WebSocket server that takes the place of Laravel Reverb's reverb:start.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"reverbd/cmd/internal/manual"
	"reverbd/cmd/reverbd/config"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "dev"

// Exit codes. A supervisor need not restart what was configured wrongly.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().RunContext(ctx, os.Args); err != nil {
		if text := err.Error(); text != "" { // preflight has said all there is to say
			fmt.Fprintln(os.Stderr, "reverbd: "+text)
		}
		code := exitFailure
		if exit, ok := errors.AsType[cli.ExitCoder](err); ok {
			code = exit.ExitCode()
		}
		stop()
		os.Exit(code) //nolint:gocritic // stop has been called
	}
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
		Commands: []*cli.Command{{
			Name: "start", Usage: "run the server (what reverbd alone does, too)", Flags: flags, Action: start,
		}, preflightCommand(), manual.Command(8)},
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
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the working directory: %w", err)
	}
	conf, err := config.Load(config.Given(c), os.LookupEnv, dir)
	if err != nil {
		return cli.Exit("the configuration cannot be used\n"+err.Error(), exitUsage)
	}
	loosenTimers()
	return serve(c.Context, conf)
}
