package main

import (
	"io"
	"strings"
	"testing"

	"reverbd/bench"
)

// TestMistakes are said with exit code 2, and with what to do about them.
func TestMistakes(t *testing.T) {
	for args, says := range map[string]string{
		"dance":                                           `no scenario "dance"`,
		"fanout --speed 3":                                "-speed",
		"fanout fast":                                     `"fast" is not a flag`,
		"fanout --size 3":                                 "--size 3",
		"fanout --connections many":                       "connections",
		"fanout --source here":                            "--source",
		"connect --url ws://127.0.0.1:1":                  "start the server first",
		"connect --rate -1 --connections 0":               "--rate -1",
		"whisper --connections 7":                         "even number",
		"channels --channels 7 --publishers 0":            "--publishers 0",
		"fanout --processes 65":                           "--processes 65",
		"fanout --html /nowhere/page.html":                "--html",
		"storm --presence -1":                             "--presence -1",
		"storm --private --baseline":                      "--baseline",
		"idle --ping-interval 1ms":                        "--ping-interval 1ms",
		"versus":                                          "--with",
		"versus --with ws://x --with-pid 1 --with-pid 2":  "one for each --with",
		"versus --with ws://127.0.0.1:1 --scenario dance": `no scenario "dance"`,
		"versus --with ws://127.0.0.1:1 --url ws://127.0.0.1:1 now": `now is not a flag`,
		"--compare old.json":               "takes two reports",
		"--compare /nowhere.json new.json": "/nowhere.json",
	} {
		t.Run(args, func(t *testing.T) {
			app := command()
			app.Writer, app.ErrWriter = io.Discard, io.Discard
			err := app.Run(append([]string{"reverb-bench"}, strings.Fields(args)...))
			if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "bench:") {
				t.Fatalf("error is %v, want %q in it", err, says)
			}
			if code := fail(err); code != exitUsage {
				t.Errorf("exit code is %d, want %d", code, exitUsage)
			}
		})
	}
	if code := fail(errFaults); code != exitFaults {
		t.Errorf("exit code for faults is %d, want %d", code, exitFaults)
	}
}

// TestDefaults are such that every scenario runs with no flags but the server's.
func TestDefaults(t *testing.T) {
	for _, s := range bench.Scenarios {
		app := command()
		app.Writer, app.ErrWriter = io.Discard, io.Discard
		err := app.Run([]string{"reverb-bench", s.Name, "--url", "ws://127.0.0.1:1"})
		if err == nil || !strings.Contains(err.Error(), "nothing listens") {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}
