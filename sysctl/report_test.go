package sysctl

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

var some = []Finding{
	{Check: "a", Level: OK, Found: "1", Need: "1", Why: "because"},
	{Check: "bcd", Level: Warning, Found: "a name\x1b[31m with words that do not fit", Need: "2", Why: "x", Fixes: []Fix{{Say: "do it"}}},
	{Check: "e", Level: Fatal, Found: "<3>", Need: "4", Why: "y", Fixes: []Fix{{File: "/f", Section: "[S]", Lines: []string{"l=1"}, Apply: "go"}}},
}

// Columns stay columns, and nothing that was found in a file reaches the terminal as a command.
func TestText(t *testing.T) {
	want := strings.Join([]string{
		"         CHECKED  THERE IS          NEEDED",
		"ok       a        1                 1",
		"         because",
		"warning  bcd      a name?[31m with  2",
		"                  words that do",
		"                  not fit",
		"         x",
		"         -> do it",
		"fatal    e        <3>               4",
		"         y",
		"         -> /f: [S] l=1 - then: go",
		"",
		"1 fatal, 1 warning, 1 ok",
		"",
	}, "\n")
	var b bytes.Buffer
	if err := Text(&b, some, Style{Width: 40, Verbose: true}); err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
}

// What is fine takes one line, however much there is to say of it.
func TestTextOfWhatIsFine(t *testing.T) {
	fine := []Finding{
		{Check: "a", Level: OK, Found: "many words that do not fit into the column", Need: "2", Why: "because"},
		{Check: "b", Level: Fatal, Found: "3", Need: "4", Why: "why"},
	}
	want := strings.Join([]string{
		"         CHECKED  THERE IS          NEEDED",
		"ok       a        many words...     2",
		"fatal    b        3                 4",
		"         why",
		"",
		"1 fatal, 0 warnings, 1 ok",
		"",
	}, "\n")
	var b bytes.Buffer
	if err := Text(&b, fine, Style{Width: 40}); err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
}

// The colours change nothing else.
func TestTextInColour(t *testing.T) {
	var plain, colour bytes.Buffer
	if err := Text(&plain, some, Style{}); err != nil {
		t.Fatal(err)
	}
	if err := Text(&colour, some, Style{Color: true}); err != nil {
		t.Fatal(err)
	}
	bare := strings.NewReplacer("\x1b[32m", "", "\x1b[33m", "", "\x1b[1;31m", "", "\x1b[0m", "").Replace(colour.String())
	if bare != plain.String() || colour.String() == plain.String() {
		t.Errorf("%q", colour.String())
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, some, Need{Connections: 7}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Connections int
		Level       string
		Findings    []struct {
			Check, Level, Found string
			Fixes               []struct {
				File  string
				Lines []string
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Connections != 7 || got.Level != "fatal" || len(got.Findings) != 3 || got.Findings[2].Found != "<3>" || got.Findings[2].Fixes[0].Lines[0] != "l=1" {
		t.Errorf("%+v", got)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[Number]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", Unknown: "not told", Unlimited: "unlimited",
	} {
		if n.String() != want {
			t.Errorf("%s, want %s", n, want)
		}
	}
	for n, want := range map[Number]string{
		5: "5 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 1 << 20: "1 MiB", 5 << 30: "5 GiB", 3 << 40: "3.0 TiB", Unlimited: "unlimited",
	} {
		if n.bytes() != want {
			t.Errorf("%s, want %s", n.bytes(), want)
		}
	}
	if Unlimited.plus(1) != Unlimited || Number(1<<62).times(4) != Unlimited || Unknown.plus(1) != Unknown || Number(0).times(Unlimited) != 0 {
		t.Error("numbers leave their range")
	}
}
