package manual

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func sample() (*cli.App, *bytes.Buffer) {
	out := new(bytes.Buffer)
	return &cli.App{
		Name: "sample", Usage: "shows", Writer: out, ErrWriter: out, EnableBashCompletion: true,
		Flags:    []cli.Flag{&cli.StringFlag{Name: "port", Usage: "bind `PORT`"}},
		Commands: []*cli.Command{{Name: "start", Usage: "run"}, {Name: "stop", Usage: "end"}, Command(8)},
	}, out
}

func TestGenerate(t *testing.T) {
	for what, has := range map[string][]string{
		"man":  {".TH sample 8", "shows", `\fB--port\fP`, "start"},
		"bash": {"complete", "_sample", "--generate-bash-completion"},
		"zsh":  {"#compdef sample", "--generate-bash-completion"},
		"fish": {"complete -c sample", "-l port", "start"},
	} {
		app, out := sample()
		if err := app.Run([]string{"sample", "generate", what}); err != nil {
			t.Fatal(what, err)
		}
		for _, text := range has {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s lacks %q:\n%s", what, text, out)
			}
		}
		if strings.Contains(out.String(), "PROGRAM") || what == "man" && strings.Contains(out.String(), "generate") {
			t.Errorf("%s:\n%s", what, out)
		}
	}
	app, _ := sample()
	if err := app.Run([]string{"sample", "generate", "csh"}); err == nil || !strings.Contains(err.Error(), "bash, zsh or fish") {
		t.Error(err)
	}
}

// bash completes with what the command says, and passes nothing that was typed through a shell.
func TestBash(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	dir := t.TempDir()
	app, script := sample()
	if err := app.Run([]string{"sample", "generate", "bash"}); err != nil {
		t.Fatal(err)
	}
	const command = "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >args\nprintf 'start\\nstop\\n'\n"
	if err := os.WriteFile(filepath.Join(dir, "sample"), []byte(command), 0o755); err != nil {
		t.Fatal(err)
	}
	const typed = "\nCOMP_WORDS=(sample '$(touch harm)' st) COMP_CWORD=2\n_sample\necho \"${COMPREPLY[@]}\"\n"
	cmd := exec.Command(shell, "-c", script.String()+typed)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "start stop\n" {
		t.Errorf("%v: %q", err, out)
	}
	if args, err := os.ReadFile(filepath.Join(dir, "args")); err != nil || string(args) != "2\n$(touch harm)\n--generate-bash-completion\n" {
		t.Errorf("%v: %q", err, args)
	}
}
