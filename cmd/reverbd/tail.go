package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"reverbd/cmd/reverbd/console"
	"reverbd/cmd/reverbd/control"
)

// tail streams what happens to somebody at the control socket.
func (i *instance) tail(s control.Selection, gone <-chan struct{}, send func(line any) error) {
	r := i.console.Read(console.Filter{App: s.App, Channel: s.Channel})
	defer r.Close()
	for {
		select {
		case <-gone:
			return
		case l := <-r.Lines():
			if send(l) != nil {
				return
			}
		}
	}
}

func tailCommand(flags []cli.Flag) *cli.Command {
	own := []cli.Flag{
		pidFlag(),
		&cli.StringFlag{Name: "app", Usage: "only what concerns the app with this `ID`"},
		&cli.StringFlag{Name: "channel", Usage: "only what concerns channels of this `PATTERN`, in which * is any run of characters"},
		&cli.BoolFlag{Name: "json", Usage: "write lines of JSON"},
	}
	return &cli.Command{
		Name: string(control.Tail), Usage: "show what happens: connections, subscriptions, events, errors with what to do about them",
		Flags: append(slices.Clone(own), flags...),
		Action: func(c *cli.Context) error {
			client, err := find(c)
			if err != nil {
				return err
			}
			show := func(line []byte) error { return showLine(c.App.Writer, line) }
			if c.Bool("json") {
				show = func(line []byte) error {
					_, err := c.App.Writer.Write(line)
					return err
				}
			}
			if err := client.Tail(control.Selection{App: c.String("app"), Channel: c.String("channel")}, show); err != nil {
				return err
			}
			return errors.New("the server has ended the stream: it has been stopped or restarted")
		},
	}
}

// tailLine is what is read of a line: an answer of the server that refuses to tail has an error alone.
type tailLine struct {
	console.Line
	Error string `json:"error"`
}

// showLine writes a line for people. What a terminal would act on is escaped.
func showLine(w io.Writer, line []byte) error {
	var l tailLine
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("the server sent what is no line: %w", err)
	}
	if l.Error != "" {
		return errors.New(l.Error)
	}
	parts := []string{l.Channel, l.Event, l.Request, l.Socket}
	add := func(name, value string) {
		if value != "" && value != "0" {
			parts = append(parts, name+value)
		}
	}
	add("from ", l.Client)
	add("user ", l.User)
	add("", strconv.Itoa(l.Code))
	add("", l.Reason)
	if l.Kind == "closed" {
		add("after ", strconv.Itoa(l.Seconds)+" s")
	}
	if l.Kind == "subscription_count" {
		parts = append(parts, strconv.Itoa(l.Count))
	}
	add("", string(l.Data))
	if l.Cut > 0 {
		parts = append(parts, fmt.Sprintf("(%d bytes, not shown)", l.Cut))
	}
	if l.Missing > 0 {
		fmt.Fprintf(w, "(%d lines are not shown)\n", l.Missing)
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	_, err := fmt.Fprintf(w, "%s %-18s %s %s\n", l.At.Format("15:04:05.000"), l.Kind, printable(l.App), printable(strings.Join(parts, " ")))
	return err
}

// printable escapes what is not printable.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return out.String()
}
