package config

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// phpResult is what phpdotenv makes of a file. A name without a value is null.
type phpResult struct {
	Vars  map[string]*string `json:"vars"`
	Error string             `json:"error"`
}

// Over generated files, dotenv and phpdotenv (Debian's php-vlucas-phpdotenv) define the same or both refuse.
func TestDotenvAgreesWithPHP(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	files := []string{
		"A=b c", "export A=1", "export APP=1", "A", "A=1\nA", "'A'=1", `"APP"=1`, "=1", " =1", "A=\"${B}\"", "B=1\nA=${B}c", `A="x\\"`, `A="x\"`, "A=\"x\ny\"z",
		"# A=\"b\nC=1\"\nD=2", "A=\"b\" # \"c", "A='b' 'c'", "B=C\nAC=1\nA=\"${A${B}}\"", "A=\"\\q\"", "A=#", "A=b#c", "A=b #c", "A='b\\'c'", "A=\rB=1",
	}
	for range 4000 {
		files = append(files, randomDotenv(r))
	}
	for i, want := range parseWithPHP(t, files) {
		vars, broken := parseDotenv(files[i], noEnvironment)
		if _, open := splitEntries(files[i]); open.line > 0 {
			continue // the difference that is intended
		}
		if (want.Error != "") != (len(broken) > 0) {
			t.Errorf("%q: phpdotenv says %q, dotenv %v", files[i], want.Error, broken)
			continue
		}
		if want.Error != "" {
			continue
		}
		if hasNumber(vars) {
			continue // keys of a PHP array: phpdotenv numbers them anew
		}
		for name, text := range want.Vars {
			if got, ok := vars[name]; ok != (text != nil) || ok && got.text != *text {
				t.Errorf("%q: %s is %q (%v), and in PHP %v", files[i], name, got.text, ok, show(text))
			}
			delete(vars, name)
		}
		for name := range vars {
			t.Errorf("%q: %s is not defined in PHP", files[i], name)
		}
	}
}

func hasNumber(vars map[string]variable) bool {
	for name := range vars {
		if strings.Trim(name, "0123456789") == "" {
			return true
		}
	}
	return false
}

func show(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// randomDotenv is a file of pieces that matter to a parser.
func randomDotenv(r *rand.Rand) string {
	pieces := []string{
		"A", "B", "AB", "A.B", "export ", "=", "=", "=", "\"", "\"", "'", "\n", "\n", "\r\n", " ", "\t", "#", "$", "${A}", "${B}", "${", "}", `\`, `\\`, `\n`,
		`\"`, `\$`, "x", "y z", "é", "-", "1",
	}
	var b strings.Builder
	for range 1 + r.IntN(14) {
		if r.IntN(3) == 0 {
			b.WriteString([]string{"A=", "\nB=", "\nA=\"", "\nAB='"}[r.IntN(4)])
		}
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func parseWithPHP(t *testing.T, files []string) (results []phpResult) {
	t.Helper()
	in, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("php", "testdata/phpdotenv.php")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("php: %v %s: make test installs what this test needs (php-cli, php-vlucas-phpdotenv)", err, out)
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(files) {
		t.Fatalf("%d results of %d files, %v", len(results), len(files), err)
	}
	return results
}
