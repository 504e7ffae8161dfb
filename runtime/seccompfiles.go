package runtime

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"bookend.dev/bookend/runtime/wire"
)

// seccompFiles are the programs that all shims of a node share: one file each,
// by the name of its digest. Shims that race write the same twice. The first
// line is a checksum, for what a crash or a disk does to the file.
type seccompFiles struct{ *nodeFiles }

func newSeccompFiles(dir string) seccompFiles { return seccompFiles{newNodeFiles(dir)} }

// maxSeccompFile bounds what is read, in bytes; the largest program takes 44 KiB.
const maxSeccompFile = 1 << 20

// load returns the program of a digest. A file that is not there is no error.
func (s seccompFiles) load(digest string) (program wire.SeccompProgram, ok bool, err error) {
	data, err := s.within(func(dir *os.Root) ([]byte, error) {
		data, err := readTrusted(dir, digest, maxSeccompFile)
		if err == nil {
			now := time.Now()
			_ = dir.Chtimes(digest, now, now) // the oldest use goes first
		}
		return data, err
	})
	if err == nil {
		program, err = decodeProgram(digest, data)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return wire.SeccompProgram{}, false, nil
	}
	if err != nil {
		return wire.SeccompProgram{}, false, fmt.Errorf("read seccomp program %s in %s: %w", digest, s.dir, err)
	}
	return program, true, nil
}

// save keeps a program, and no more than the bound.
func (s seccompFiles) save(digest string, program wire.SeccompProgram) error {
	data, err := encodeProgram(digest, program)
	if err != nil {
		return err
	}
	_, err = s.within(func(dir *os.Root) ([]byte, error) {
		if err := writeWhole(dir, digest, data); err != nil {
			return nil, err
		}
		return nil, prunePrograms(dir, digest)
	})
	if err != nil {
		return fmt.Errorf("keep seccomp program %s in %s: %w", digest, s.dir, err)
	}
	return nil
}

// prunePrograms removes the files that were used longest ago, beyond the bound. What
// a shim has not finished counts as well, and goes with its time.
func prunePrograms(dir *os.Root, except string) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	files, err := d.Readdir(-1)
	if err != nil {
		return err
	}
	if len(files) <= maxSeccompPrograms {
		return nil
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, f := range files[:len(files)-maxSeccompPrograms] {
		if f.Name() == except {
			continue
		}
		if err := dir.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) { // another shim prunes too
			return err
		}
	}
	return nil
}

// encodeProgram is the content of a file.
func encodeProgram(digest string, program wire.SeccompProgram) ([]byte, error) {
	body, err := json.Marshal(program)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(programChecksum(digest, body)), []byte("\n"), body), nil
}

func decodeProgram(digest string, data []byte) (wire.SeccompProgram, error) {
	sum, body, _ := bytes.Cut(data, []byte("\n"))
	if string(sum) != programChecksum(digest, body) {
		return wire.SeccompProgram{}, fmt.Errorf("%w: its checksum is another", errDamaged)
	}
	return parseSeccompProgram(body)
}

// programChecksum covers the name as well: a file under another's is another profile.
func programChecksum(digest string, body []byte) string { return checksum(digest + string(body)) }
