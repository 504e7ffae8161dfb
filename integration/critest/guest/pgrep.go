package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// pgrep writes the ids of the processes below proc whose name matches the expression in args[0],
// its own left out.
func pgrep(proc string, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: pgrep <expression>")
	}
	pattern, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(proc)
	if err != nil {
		return err
	}
	found := false
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		comm, err := os.ReadFile(filepath.Join(proc, entry.Name(), "comm"))
		if err != nil || !pattern.MatchString(strings.TrimSpace(string(comm))) {
			continue // gone in the meantime, or another
		}
		found = true
		if _, err := fmt.Fprintln(out, pid); err != nil {
			return err
		}
	}
	if !found {
		return errNoProcess
	}
	return nil
}
