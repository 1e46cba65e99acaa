package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files in deploy/ are tried as they are: a test replaces addresses, paths and times in them, and nothing else.

// deploy copies a file of deploy/ to dst, with each text in swaps replaced, of which every one must be in the file.
func deploy(t *testing.T, src, dst string, swaps map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", src))
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for old, replacement := range swaps {
		if !strings.Contains(string(text), old) {
			t.Fatalf("deploy/%s does not contain %q", src, old)
		}
		pairs = append(pairs, old, replacement)
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dst, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
}
