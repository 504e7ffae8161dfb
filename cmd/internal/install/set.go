package install

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/atomicfile"
)

// digestLen is how much of a set's digest is in its name, in hex digits.
const digestLen = 12

// setName is how directories of sets, and those on their way to be one, are called.
var setName = regexp.MustCompile(fmt.Sprintf(`^(.+-[0-9a-f]{%d}|\.new-.+)$`, digestLen))

// setDigest is the part of a set's name that tells of its content.
func setDigest(dir string) (string, error) {
	sum := sha256.New()
	for _, name := range binaries() {
		if err := hash(sum, filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:digestLen], nil
}

// complete tells whether a set is in place, with the content that its name
// tells of. Its directory is put there as a whole, so it is either complete or
// not there at all, unless a user or the disk has damaged it.
func complete(dir string) bool {
	for _, name := range binaries() {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || !st.Mode().IsRegular() || st.Mode()&0o111 == 0 {
			return false
		}
	}
	digest, err := setDigest(dir)
	return err == nil && strings.HasSuffix(filepath.Base(dir), "-"+digest)
}

// damaged refuses new binaries that are an installed set which is not what it
// was: that of the command itself where no other is named. Installing them would
// give the damage a name of its own.
func (o Options) damaged() error {
	from, err := filepath.EvalSymlinks(o.From)
	if err != nil {
		return fmt.Errorf("new binaries: %w", err)
	}
	versions, err := filepath.EvalSymlinks(o.versionsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is installed yet
	}
	if err != nil {
		return err
	}
	if filepath.Dir(from) != versions || complete(from) {
		return nil
	}
	return fmt.Errorf("%s: %w: name a directory with good ones (--from)", from, ErrDamaged)
}

// sets returns the directories of sets, in the order of their names. What else
// is in there is not ours, nor is a directory that has something else in it.
func sets(versions string) ([]string, error) {
	entries, err := os.ReadDir(versions)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		dir := filepath.Join(versions, e.Name())
		if !e.IsDir() || !setName.MatchString(e.Name()) {
			continue
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(files, func(f fs.DirEntry) bool { return !ofSet(f.Name()) }) {
			out = append(out, dir)
		}
	}
	return out, nil
}

// ofSet tells whether a file in a set's directory is a binary, or was to be one when the
// process that wrote it was killed.
func ofSet(file string) bool {
	return slices.ContainsFunc(binaries(), func(name string) bool {
		return file == name || strings.HasPrefix(file, "."+name)
	})
}

// copySet copies a set, whose binaries read returns, to the directory to, which
// appears at once and complete.
func copySet(read func(name string) ([]byte, error), to string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, name := range binaries() {
		data, err := read(name)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Join(tmp, name), data, 0o755, -1, -1); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(to); err == nil {
		// Damaged, and perhaps in use: out of the way by name, not by content.
		if err := os.Rename(to, tmp+".damaged"); err != nil {
			return err
		}
		defer os.RemoveAll(tmp + ".damaged")
	}
	return os.Rename(tmp, to)
}
