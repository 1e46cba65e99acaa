// Package manual makes what a package installs beside a command: its man page, and completion for shells. All of it is made
// from the definition of the command, so that it says what --help says.
package manual

import (
	_ "embed" // the completion scripts
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

var (
	//go:embed completion.bash
	bash string
	//go:embed completion.zsh
	zsh string
)

// Command is a hidden command that prints what is asked for: "generate man", with the page's section, or the completion of a
// shell. The application must have EnableBashCompletion, which serves zsh too.
func Command(section int) *cli.Command {
	return &cli.Command{
		Name: "generate", Hidden: true, Usage: "print the man page, or the completion script of a shell", ArgsUsage: "man|bash|zsh|fish",
		Action: func(c *cli.Context) error {
			text, err := generate(c.App, c.Args().First(), section)
			if err == nil {
				_, err = fmt.Fprint(c.App.Writer, text)
			}
			return err
		},
	}
}

func generate(app *cli.App, what string, section int) (string, error) {
	switch what {
	case "man":
		return app.ToManWithSection(section)
	case "bash":
		return strings.ReplaceAll(bash, "PROGRAM", app.Name), nil
	case "zsh":
		return strings.ReplaceAll(zsh, "PROGRAM", app.Name), nil
	case "fish":
		return app.ToFishCompletion()
	}
	return "", fmt.Errorf("manual: %q cannot be generated; give man, bash, zsh or fish", what)
}
