package runtime

import (
	"path/filepath"
	"strings"
)

// candidates are the paths at which a command is looked for, as Go's
// exec.LookPath does it for runc; bare tells that they come from PATH, of env.
func candidates(name string, env []string) (paths []string, bare bool) {
	if strings.Contains(name, "/") {
		return []string{name}, false
	}
	if name == "" {
		return nil, true
	}
	for _, dir := range filepath.SplitList(valueOf("PATH", env)) {
		if dir == "" {
			dir = "."
		}
		paths = append(paths, filepath.Join(dir, name))
	}
	return paths, true
}

func valueOf(name string, env []string) string {
	for _, v := range env {
		if n, value, _ := strings.Cut(v, "="); n == name {
			return value
		}
	}
	return ""
}
