// Package docs has no code: its test holds the pages of the repository to what they name.
package docs

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository's.
const root = ".."

// pages are the files in Markdown, by their paths from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			found[name] = string(text)
		}
	}
	if len(found) < 15 {
		t.Fatalf("only %d pages: %v", len(found), slices.Sorted(maps.Keys(found)))
	}
	return found
}

// sources are the files in Go, C and others that pages may name, by their paths from
// the root. What is built or fetched is none of them.
func sources(t *testing.T) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "bin" || name == ".cache" || name == ".git"):
			return fs.SkipDir
		case !entry.IsDir():
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```\n")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// anchors are those that GitHub gives to a page's headings.
func anchors(page string) []string {
	var found []string
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found = append(found, strings.ReplaceAll(kept, " ", "-"))
	}
	return found
}

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	all := pages(t)
	for name, page := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if anchor != "" && !slices.Contains(anchors(all[target]), anchor) {
				t.Errorf("%s: %s: %s has no such heading, only %q", name, m[1], target, anchors(all[target]))
			}
		}
	}
}

// Each difference from the kubelet names tests that show it.
func TestDifferencesNameTestsThatExist(t *testing.T) {
	exists := make(map[string][]string) // directories, by the name of a test in them
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, name := range sources(t) {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			exists[m[1]] = append(exists[m[1]], path.Dir(name))
		}
	}
	named := regexp.MustCompile("`(?:([a-z/-]+)\\.)?(Test\\w+)`").FindAllStringSubmatch(pages(t)["docs/differences.md"], -1)
	if len(named) < 80 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, m := range named {
		at, test := m[1], m[2]
		if at == "" {
			at = "shim"
		}
		if !slices.Contains(exists[test], at) {
			t.Errorf("there is no %s.%s; tests of that name are in %q", at, test, exists[test])
		}
	}
}

// ARCHITECTURE and CONTRIBUTING name files by their path, or by their name alone
// after the path of another one beside it.
func TestPagesNameFilesThatExist(t *testing.T) {
	all, texts := sources(t), pages(t)
	// That section is about files of runc.
	page := regexp.MustCompile(`(?s)\n### What comes from runc\n.*?\n### `).ReplaceAllString(texts["ARCHITECTURE.md"], "\n### ")
	page += texts["CONTRIBUTING.md"]
	named := regexp.MustCompile("`([\\w./*-]+\\.(?:go|c|h|txt|toml))`").FindAllStringSubmatch(page, -1)
	if len(named) < 40 {
		t.Fatalf("only %d files are named", len(named))
	}
	for _, m := range named {
		if !slices.ContainsFunc(all, func(name string) bool {
			if !strings.Contains(m[1], "/") {
				name = path.Base(name)
			}
			matched, err := path.Match(m[1], name)
			return err == nil && (matched || strings.HasSuffix(name, "/"+m[1]))
		}) {
			t.Errorf("there is no file %s", m[1])
		}
	}
}

// The README is for the first ten minutes. What grows goes to a page of its own.
func TestTheReadmeStaysShort(t *testing.T) {
	const limit = 220
	if lines := strings.Count(pages(t)["README.md"], "\n"); lines > limit {
		t.Errorf("it has %d lines, of %d at most", lines, limit)
	}
}
