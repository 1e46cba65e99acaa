package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"reverbd/apps"
	"reverbd/apps/webhook"
	"reverbd/cmd/reverbd/config"
)

// webhookCommand is for whoever sets webhooks up. It needs no server that runs.
func webhookCommand(flags []cli.Flag) *cli.Command {
	return &cli.Command{
		Name: "webhook", Usage: "try what webhooks do",
		Subcommands: []*cli.Command{{
			Name: "test", Usage: "send one event to the webhooks of an app, and show the answers",
			Flags: append([]cli.Flag{
				&cli.StringFlag{Name: "app", Usage: "`ID` of the app (not needed if there is one)"},
				&cli.StringFlag{Name: "event", Value: webhook.ChannelOccupied.String(), Usage: "`NAME` of the event: " + webhook.KindNames()},
				&cli.StringFlag{Name: "channel", Value: "presence-test", Usage: "`NAME` of the channel in it"},
			}, flags...),
			Action: testWebhooks,
		}},
	}
}

func testWebhooks(c *cli.Context) error {
	kind, ok := webhook.ParseKind(c.String("event"))
	if !ok {
		return cli.Exit(fmt.Sprintf("--event: %q is not an event; there are %s", c.String("event"), webhook.KindNames()), exitUsage)
	}
	dir, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the working directory: %w", err)
	}
	conf, err := config.Load(config.Given(c), os.LookupEnv, dir)
	if err != nil {
		return cli.Exit("the configuration cannot be used\n"+err.Error(), exitUsage)
	}
	app, err := webhookApp(conf.Apps, c.String("app"))
	if err != nil {
		return cli.Exit(err.Error(), exitUsage)
	}
	event := webhook.Example(kind, c.String("channel"), time.Now())
	failed := false
	for n := range app.Hooks {
		failed = tryWebhook(c.App.Writer, webhook.Client(conf.Roots), app, &app.Hooks[n], event) || failed
	}
	if failed {
		return cli.Exit("", exitFailure)
	}
	return nil
}

// webhookApp finds the app whose webhooks are tried.
func webhookApp(settings []apps.Settings, id string) (*webhook.App, error) {
	ids := make([]string, len(settings))
	for n, s := range settings {
		if ids[n] = s.ID; s.ID != id && (id != "" || len(settings) > 1) {
			continue
		}
		if len(s.Webhooks) == 0 {
			return nil, fmt.Errorf("the app %s has no webhooks; set REVERB_APP_WEBHOOK_URL, or give it webhooks in the config file", s.ID)
		}
		return &webhook.App{ID: s.ID, Key: s.Key, Secret: s.Secret, Hooks: s.Webhooks}, nil
	}
	return nil, fmt.Errorf("--app: %q is not an app; there are %s", id, strings.Join(ids, ", "))
}

// tryWebhook sends one event to one URL, whether or not it is told of such, and shows what comes back. It returns true if the event was not taken.
func tryWebhook(out io.Writer, client *http.Client, app *webhook.App, h *webhook.Hook, e webhook.Event) (failed bool) {
	sent, answer, err := webhook.Try(context.Background(), client, app, h, e)
	fmt.Fprintf(out, "POST %s\n%s\n", h.URL, sent)
	if !h.Wants(e.Kind, e.Channel) {
		fmt.Fprintln(out, "(the server would not send this event there: its events or channels leave it out)")
	}
	if err != nil {
		fmt.Fprintf(out, "no answer: %v\n\n", err)
		return true
	}
	fmt.Fprintf(out, "%d %s, after %v\n%s\n\n", answer.Status, http.StatusText(answer.Status), answer.Took.Round(time.Millisecond), answer.Body)
	return !answer.Taken()
}
