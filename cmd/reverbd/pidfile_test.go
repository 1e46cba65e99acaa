package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reverbd/apps"
	"reverbd/cmd/reverbd/config"
)

// A link that somebody has planted under the name of the pid file, or one that begins like it, is not followed.
func TestPidFileFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "reverbd.pid"), filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{path, path + ".1", path + "." + "tmp"} {
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := writePidFile(path); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "untouched" {
		t.Errorf("the file behind the link holds %q, %v", text, err)
	}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o644 {
		t.Errorf("the pid file is %v, %v", info, err)
	}
	if pid, err := readPidFile(path); err != nil || pid != os.Getpid() {
		t.Errorf("it names %d, %v", pid, err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 4 {
		t.Errorf("%d files are left, want the pid file, the victim and two links", len(entries))
	}
	removePidFile(path)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// --dev shows the secret of the demo app, and of no other.
func TestDevHelpKeepsSecrets(t *testing.T) {
	demo := config.Config{Apps: []apps.Settings{{ID: "app-id", Key: "app-key", Secret: "app-secret"}}}
	if !strings.Contains(devHelp(demo, ""), "REVERB_APP_SECRET=app-secret") {
		t.Error("the demo app's secret is not shown")
	}
	own := config.Config{Apps: []apps.Settings{{ID: "shop", Key: "k", Secret: "very-secret"}}}
	if text := devHelp(own, ""); strings.Contains(text, "very-secret") || !strings.Contains(text, "(that of app shop)") {
		t.Errorf("got %s", text)
	}
}
