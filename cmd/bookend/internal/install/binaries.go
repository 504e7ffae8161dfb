package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// digestLen is how much of a set's digest is in its name, in hex digits.
const digestLen = 12

// identify returns the name of the set of binaries in dir. It runs the command
// among them, which also shows that they are for this machine.
func identify(ctx context.Context, dir string) (string, error) {
	sum := sha256.New()
	for _, name := range binaries() {
		if err := hash(sum, filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("new binaries: %w", err)
		}
	}
	version, err := versionOf(ctx, filepath.Join(dir, Command))
	if err != nil {
		return "", err
	}
	return version + "-" + hex.EncodeToString(sum.Sum(nil))[:digestLen], nil
}

// hash adds a file's size and content.
func hash(to io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "%d\n", st.Size())
	_, err = io.Copy(to, f)
	return err
}

const versionTimeout = 20 * time.Second

// plainVersion is what may become part of a file's name.
var plainVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~_-]*$`)

func versionOf(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, "version", "-o", "json")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w: %s", command, err, bytes.TrimSpace(errs.Bytes()))
	}
	var v struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return "", fmt.Errorf("%s version: %w", command, err)
	}
	if !plainVersion.MatchString(v.Version) {
		return "", fmt.Errorf("%s version: %q is not a version", command, v.Version)
	}
	return v.Version, nil
}

// complete tells whether a set is in place. Its directory is put there as a
// whole, so it is either complete or not there at all, unless somebody has
// removed some of it.
func complete(dir string) bool {
	for _, name := range binaries() {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

// place copies the set in from to the directory to, which appears at once and
// complete.
func place(from, to string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, name := range binaries() {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		e := &Entry{Data: data, Mode: 0o755, UID: os.Getuid(), GID: os.Getgid()}
		if err := e.write(filepath.Join(tmp, name)); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(to); err == nil {
		// Incomplete, and perhaps in use: out of the way by name, not by content.
		if err := os.Rename(to, tmp+".incomplete"); err != nil {
			return err
		}
		defer os.RemoveAll(tmp + ".incomplete")
	}
	return os.Rename(tmp, to)
}
