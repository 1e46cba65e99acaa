package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"reverbd/apps/webhook"
)

// PHP takes every kind of webhook, checked as Pusher's library for PHP does.
func TestWebhooksInPHP(t *testing.T) {
	t.Parallel()
	address := fmt.Sprint("127.0.0.1:", freePort(t))
	script, err := filepath.Abs("testdata/webhook.php")
	must(t, err)
	php := exec.Command("php", "-S", address, script)
	php.Env = append(plainEnvironment(), "WEBHOOK_KEY="+appKey, "WEBHOOK_SECRET="+appSecret)
	php.SysProcAttr = childAttributes()
	must(t, php.Start())
	t.Cleanup(func() {
		_ = php.Process.Kill()
		_ = php.Wait()
	})
	await(t, "PHP", func() bool {
		res, err := http.Get("http://" + address + "/")
		if err == nil {
			_ = res.Body.Close()
		}
		return err == nil
	})
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte("REVERB_APP_WEBHOOK_URL=http://"+address+"/\n"), 0o600))
	for _, name := range strings.Split(webhook.KindNames(), ", ") {
		code, out := runToEnd(t, dir, nil, "webhook", "test", "--dev", "--event", name)
		if code != 0 || !strings.Contains(out, "200 OK") || !strings.Contains(out, "\n"+name+"\n") {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
}

// What docs/webhooks.md shows is PHP.
func TestWebhookExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/webhooks.md")
	must(t, err)
	parts := strings.Split(string(page), "```php\n")
	for n, part := range parts[1:] {
		code, _, _ := strings.Cut(part, "```")
		file := filepath.Join(t.TempDir(), "example.php")
		must(t, os.WriteFile(file, []byte("<?php\n"+code), 0o600))
		if out, err := exec.Command("php", "-l", file).CombinedOutput(); err != nil {
			t.Errorf("example %d: %s", n, out)
		}
	}
	if len(parts) != 3 {
		t.Errorf("%d examples", len(parts)-1)
	}
}
