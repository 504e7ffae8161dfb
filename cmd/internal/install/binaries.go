package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/hooks"
)

// identify returns the name of the set of binaries in dir. It runs the command
// among them, which also shows that they are for this machine.
func identify(ctx context.Context, dir string) (string, error) {
	digest, err := setDigest(dir)
	if err != nil {
		return "", fmt.Errorf("new binaries: %w", err)
	}
	version, err := versionOf(ctx, filepath.Join(dir, hooks.CommandBinary))
	if err != nil {
		return "", err
	}
	return version + "-" + digest, nil
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

// plainVersion is what may become part of a file's name.
var plainVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~_-]*$`)

func versionOf(ctx context.Context, command string) (string, error) {
	out, err := program.Ask(ctx, command, "version", "-o", "json")
	if errors.Is(err, fs.ErrPermission) && noExec(filepath.Dir(command)) != nil {
		return "", fmt.Errorf("new binaries in %s: %w: put them elsewhere (--from)", filepath.Dir(command), ErrNoExec)
	}
	if err != nil {
		return "", err
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
