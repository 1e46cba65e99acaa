package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"reverbd/cmd/reverbd/config"
)

// Flags count before and after the name of the command, and the one behind it wins.
func TestGiven(t *testing.T) {
	tests := []struct {
		name string
		args string
		want map[string]string
	}{
		{"none", "", map[string]string{}},
		{"without a command", "--port 1 --debug", map[string]string{"port": "1", "debug": "true"}},
		{"behind the command", "start --host=::1 --dev", map[string]string{"host": "::1", "dev": "true"}},
		{"before the command", "--port 1 start", map[string]string{"port": "1"}},
		{"on both sides", "--port 1 --path /a start --port 2", map[string]string{"port": "2", "path": "/a"}},
		{"turned off", "--debug=false", map[string]string{"debug": "false"}},
		{"empty", "--path=", map[string]string{"path": ""}},
		{"repeated", "--listen 127.0.0.1:1 --listen unix:/a", map[string]string{"listen": "127.0.0.1:1,unix:/a"}},
		{"not a number", "--port eighty", map[string]string{"port": "eighty"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got map[string]string
			action := func(c *cli.Context) error { got = config.Given(c); return nil }
			app := &cli.App{
				Flags: config.Flags(), Action: action,
				Commands: []*cli.Command{{Name: "start", Flags: config.Flags(), Action: action}},
			}
			if err := app.Run(append([]string{"reverbd"}, strings.Fields(tt.args)...)); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// The help of every flag names its environment variable, and cli itself reads none: the order of sources is Load's.
func TestFlagsNameTheirVariables(t *testing.T) {
	for _, f := range config.Flags() {
		doc := f.(cli.DocGenerationFlag)
		if !strings.Contains(doc.GetUsage(), "REVERB_") || len(doc.GetEnvVars()) > 0 {
			t.Errorf("--%s: %q %v", f.Names()[0], doc.GetUsage(), doc.GetEnvVars())
		}
	}
}
