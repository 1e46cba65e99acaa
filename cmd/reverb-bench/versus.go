package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"reverbd/bench"
)

// versusCommand compares servers.
func versusCommand() *cli.Command {
	return &cli.Command{
		Name:  "versus",
		Usage: "the same scenarios against several servers in turn, and one table with the ratios of the first to the others",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Value: "ws://127.0.0.1:8080", Usage: "the first server"},
			&cli.StringSliceFlag{Name: "with", Usage: "another server to compare it with; may be given several times"},
			&cli.IntFlag{Name: "server-pid", Usage: "process of the first server, to measure its CPU and memory"},
			&cli.IntSliceFlag{Name: "with-pid", Usage: "process of another server, in the order of --with"},
			&cli.StringFlag{Name: "app-id", Value: "app-id", EnvVars: []string{"REVERB_APP_ID"}, Usage: "the app, which all servers have"},
			&cli.StringFlag{Name: "key", Value: "app-key", EnvVars: []string{"REVERB_APP_KEY"}, Usage: "the app's key"},
			&cli.StringFlag{Name: "secret", Value: "app-secret", EnvVars: []string{"REVERB_APP_SECRET"}, Usage: "the app's secret"},
			&cli.StringSliceFlag{
				Name: "scenario", Value: cli.NewStringSlice("connect", "fanout", "channels", "publish"), Usage: "what to run; may be given several times",
			},
			&cli.IntFlag{Name: "connections", Value: 2000, Usage: "clients; a quarter of them in fanout, publish and whisper"},
			&cli.DurationFlag{Name: "duration", Value: 5 * time.Second, Usage: "how long each scenario sends"},
			&cli.BoolFlag{Name: "new-connections", Usage: "publishers connect for every request, as PHP-FPM does"},
			&cli.IntFlag{Name: "repeat", Value: 5, Usage: "rounds"},
			&cli.DurationFlag{Name: "settle", Value: time.Second, Usage: "how long a server must be idle before its memory is read"},
			&cli.BoolFlag{Name: "json", Usage: "write the reports of all servers as JSON"},
		},
		Action: versus,
	}
}

func versus(c *cli.Context) error {
	if c.Args().Present() {
		return cli.Exit(c.Args().First()+" is not a flag (see reverb-bench versus --help)", exitUsage)
	}
	if pids := c.IntSlice("with-pid"); len(pids) > 0 && len(pids) != len(c.StringSlice("with")) {
		return cli.Exit("--with-pid: one for each --with", exitUsage)
	}
	asJSON := c.Bool("json")
	watch := newProgress()
	result, err := bench.RunVersus(c.Context, versusServers(c, watch), c.StringSlice("scenario"))
	if watch != nil {
		watch.end()
	}
	if err != nil {
		return withoutPrefix(err)
	}
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(result)
	} else {
		err = result.Write(os.Stdout)
	}
	if err == nil && len(result.Faults()) > 0 {
		return errFaults
	}
	return err
}

// versusServers returns the options of all servers, the first one first.
func versusServers(c *cli.Context, watch *progress) []bench.Options {
	common := bench.Options{
		AppID: c.String("app-id"), Key: c.String("key"), Secret: c.String("secret"), NewConns: c.Bool("new-connections"),
		Connections: c.Int("connections"), Duration: c.Duration("duration"), Repeat: c.Int("repeat"), Settle: c.Duration("settle"),
		Version: version, Self: self,
	}
	if watch != nil && !c.Bool("json") {
		common.Watch = watch.watch
	}
	server := func(url string, pid int) bench.Options {
		o := common
		o.URLs = []string{url}
		if pid != 0 {
			o.ServerPIDs = []int{pid}
		}
		return o
	}
	all := []bench.Options{server(c.String("url"), c.Int("server-pid"))}
	pids := c.IntSlice("with-pid")
	for i, url := range c.StringSlice("with") {
		pid := 0
		if i < len(pids) {
			pid = pids[i]
		}
		all = append(all, server(url, pid))
	}
	return all
}
