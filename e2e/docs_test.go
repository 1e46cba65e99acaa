package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// Every link of the documentation that leads into the repository leads to a file, and to a heading of it.
func TestLinksOfDocumentation(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../*.md")
	must(t, err)
	more, err := filepath.Glob("../docs/*.md")
	must(t, err)
	anchors := map[string]map[string]bool{}
	count := 0
	for _, page := range append(pages, more...) {
		for _, target := range linksOf(t, page) {
			count++
			file, anchor, _ := strings.Cut(target, "#")
			path := page
			if file != "" {
				path = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s: %v", page, target, err)
				continue
			}
			if anchor == "" {
				continue
			}
			if anchors[path] == nil {
				anchors[path] = anchorsOf(t, path)
			}
			if !anchors[path][anchor] {
				t.Errorf("%s links to %s: no such heading", page, target)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d links were found", count)
	}
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string]string{
		"Pages in the back/forward cache": "pages-in-the-backforward-cache",
		"`php artisan reverb:restart`":    "php-artisan-reverbrestart",
		"From a bare machine to 50,000":   "from-a-bare-machine-to-50000",
		"The runtime's monitor":           "the-runtimes-monitor",
	} {
		if got := anchorOf(heading); got != want {
			t.Errorf("%q has the anchor %q, want %q", heading, got, want)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// linksOf returns the targets of a page's links, except those to other sites.
func linksOf(t *testing.T, page string) []string {
	t.Helper()
	var targets []string
	for _, line := range proseOf(t, page) {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			if !strings.Contains(m[1], "://") && !strings.HasPrefix(m[1], "mailto:") {
				targets = append(targets, m[1])
			}
		}
	}
	return targets
}

func anchorsOf(t *testing.T, page string) map[string]bool {
	t.Helper()
	anchors := map[string]bool{}
	for _, line := range proseOf(t, page) {
		if text := strings.TrimLeft(line, "#"); text != line && strings.HasPrefix(text, " ") {
			anchors[anchorOf(strings.TrimSpace(text))] = true
		}
	}
	return anchors
}

// anchorOf is the anchor that GitHub and GitLab make of a heading: lower case, without punctuation, hyphens for spaces.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// proseOf returns the lines of a page outside blocks of code.
func proseOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	must(t, err)
	var lines []string
	code := false
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
			continue
		}
		if !code {
			lines = append(lines, line)
		}
	}
	return lines
}
