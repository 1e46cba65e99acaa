package config

import (
	"testing"

	"github.com/joho/godotenv"
)

func noEnvironment(string) (string, bool) { return "", false }

// The values that vlucas/phpdotenv 5, and so Laravel, arrives at.
func TestDotenv(t *testing.T) {
	lookup := func(name string) (string, bool) { return "outside", name == "OUTER" }
	tests := []struct{ name, in, want string }{
		{"plain", "A=x", "x"},
		{"spaces around", " A = x ", "x"},
		{"export", "export LONGER=x\nA=${LONGER}", "x"},
		{"windows lines", "A=x\r\nB=y\r\n", "x"},
		{"byte order mark", "\ufeffA=x", "x"},
		{"empty", "A=", ""},
		{"comment behind", "A=x # y", "x"},
		{"comment without a space", "A=x#y", "x"},
		{"comment alone", "A=#y", ""},
		{"base64", "A=base64:ab+/==", "base64:ab+/=="},
		{"undefined again", "A=x\nA", ""},
		{"quotes around the name", "'A'=x", "x"},
		{"nested references", "B=C\nAC=x\nA=${A${B}}", "x"},
		{"dollar is text", "A=pa$WORD$", "pa$WORD$"},
		{"quotes in the middle", `A=a"b"`, `a"b"`},
		{"double quotes", `A="x # y" # z`, "x # y"},
		{"escapes", `A="\"\\\$\n\t"`, "\"\\$\n\t"},
		{"quote at the end", `A="a\""`, `a"`},
		{"backslash at the end", `A="a\\"`, `a\`},
		{"escaped reference", "B=b\nA=\"\\${B}\"", "${B}"},
		{"single quotes", `A='a\$B"${C}'`, `a\$B"${C}`},
		{"several lines", "A=\"x\ny\"\nB=z", "x\ny"},
		{"reference", "B=b\nA=\"<${B}>\"", "<b>"},
		{"reference without quotes", "B=b\nA=${B}", "b"},
		{"reference to the environment", "OUTER=inside\nA=${OUTER}", "outside"},
		{"reference to a later line", "A=${B}\nB=b", "${B}"},
		{"reference in lower case", "b.c=x\nA=${b.c}", "x"},
		{"the last one counts", "A=x\nA=y", "y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vars, broken := parseDotenv(tt.in, lookup)
			if len(broken) > 0 || vars["A"].text != tt.want {
				t.Errorf("got %q %v, want %q", vars["A"].text, broken, tt.want)
			}
		})
	}
}

func TestDotenvLines(t *testing.T) {
	vars, broken := parseDotenv("# c\n\nA=\"x\ny\"\nbad line\nB=1\n9 9=\nC=\"a\" b\nD=\"\\q\"\nE=2", noEnvironment)
	if vars["A"].line != 3 || vars["B"].line != 6 || vars["E"].line != 10 {
		t.Errorf("got %+v", vars)
	}
	var lines []int
	for _, b := range broken {
		lines = append(lines, b.line)
	}
	if len(lines) != 4 || lines[0] != 5 || lines[1] != 7 || lines[2] != 8 || lines[3] != 9 {
		t.Errorf("broken lines %v", broken)
	}
}

func TestDotenvTellsWhatLaravelPassesOver(t *testing.T) {
	vars, _ := parseDotenv("A=x#y\nB=x #y\nC=${D}", noEnvironment)
	if !vars["A"].cut || vars["B"].cut || vars["C"].unknown != "${D}" {
		t.Errorf("got %+v", vars)
	}
}

// Lines that double each other end at a limit and not in all of the memory.
func TestDotenvDoubling(t *testing.T) {
	text := "A=0123456789\n"
	for range 64 {
		text += "A=\"${A}${A}\"\n"
	}
	vars, _ := parseDotenv(text, noEnvironment)
	if n := len(vars["A"].text); n > 2*maxExpanded {
		t.Errorf("%d bytes", n)
	}
}

// On a file without the differences that the type's comment lists, godotenv sees the same.
func TestDotenvAgreesWithGodotenv(t *testing.T) {
	const text = `# Laravel's own .env, more or less
APP_NAME=Laravel
APP_KEY=base64:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=
APP_URL=http://localhost

LOG_CHANNEL=stack # comment
MAIL_FROM_ADDRESS="hello@example.com"
MAIL_FROM_NAME="${APP_NAME}"
export REVERB_APP_ID=123456
REVERB_APP_KEY=laravel-herd
REVERB_APP_SECRET='f9asd7f'
REVERB_HOST="localhost"
REVERB_PORT=8080
EMPTY=
VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"
LINES="a
b"
`
	want, err := godotenv.Unmarshal(text)
	if err != nil {
		t.Fatal(err)
	}
	got, broken := parseDotenv(text, noEnvironment)
	if len(broken) > 0 || len(got) != len(want) {
		t.Errorf("got %d variables, %v; want %d", len(got), broken, len(want))
	}
	for name := range want {
		if got[name].text != want[name] {
			t.Errorf("%s: got %q, want %q", name, got[name].text, want[name])
		}
	}
}
