package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bookend.dev/bookend/integration/harness"
)

// Pages of the documentation whose Docker commands are tested.
const (
	readme  = "README.md"
	clients = "docs/clients.md"
)

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// blocks returns the blocks of a page in a language that have a text in them.
func blocks(d *harness.Daemon, page, language, text string) ([]string, error) {
	content, err := os.ReadFile(filepath.Join(d.Binaries().Root, page))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, m := range fence.FindAllStringSubmatch(string(content), -1) {
		if m[1] == language && strings.Contains(m[2], text) {
			found = append(found, m[2])
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no block in %s with %q", page, language, text)
	}
	return found, nil
}

// Where the documentation has bookend's files.
const (
	installedShim   = "/usr/local/bin/" + harness.ShimBinary
	installedConfig = "/etc/bookend/config.toml"
)

// documentedRuntimes returns the runtimes of the daemon.json that docs/clients.md
// shows, with the files of a test in place of those that an install has.
func documentedRuntimes(e *Engine) (map[string]any, error) {
	d := e.daemon
	found, err := blocks(d, clients, "json", `"runtimes"`)
	if err != nil {
		return nil, err
	}
	shim, err := d.Binaries().Shim()
	if err != nil {
		return nil, err
	}
	text := found[0]
	for installed, ours := range map[string]string{installedShim: shim, installedConfig: d.Path("bookend.toml")} {
		if strings.Count(text, `"`+installed+`"`) != 1 {
			return nil, fmt.Errorf("the daemon.json of %s does not name %s", clients, installed)
		}
		text = strings.Replace(text, installed, ours, 1)
	}
	var config struct{ Runtimes map[string]any }
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return nil, fmt.Errorf("the daemon.json of %s: %w", clients, err)
	}
	if config.Runtimes["bookend"] == nil {
		return nil, errors.New("the daemon.json of " + clients + " has no runtime bookend")
	}
	return config.Runtimes, nil
}
