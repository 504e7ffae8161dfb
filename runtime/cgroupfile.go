package runtime

import (
	"os"
	"path/filepath"
	"strings"
)

// readCgroup reads a file of a cgroup; empty: it cannot be read.
func readCgroup(dir, file string) string {
	data, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.TrimSpace(string(data))
}

// writeCgroup writes a file of a cgroup, which it does not make.
func writeCgroup(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}
