package vm

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Archive writes the file system of a guest, in the format of an initramfs
// that the kernel calls "newc" (Documentation/driver-api/early-userspace/
// buffer-format.rst). Nothing is compressed: the guest would have to undo it.
// The first error is kept, and returned by Close.
type Archive struct {
	to   io.Writer
	dirs map[string]bool // made so far
	ino  int
	err  error
}

// Types of file, as in stat(2).
const (
	typeDir     = 0o040000
	typeFile    = 0o100000
	typeSymlink = 0o120000
)

// NewArchive returns an empty archive that is written to to.
func NewArchive(to io.Writer) *Archive {
	return &Archive{to: to, dirs: map[string]bool{}}
}

// Dir adds the directory name, an absolute path, and those above it.
func (a *Archive) Dir(name string) {
	if name == "/" || a.dirs[name] {
		return
	}
	a.Dir(path.Dir(name))
	a.dirs[name] = true
	a.entry(name, typeDir|0o755, nil)
}

// File adds an executable file.
func (a *Archive) File(name string, content []byte) {
	a.Dir(path.Dir(name))
	a.entry(name, typeFile|0o755, content)
}

// Copy adds an executable file with the content of the host's file from.
func (a *Archive) Copy(name, from string) {
	content, err := os.ReadFile(from)
	if err != nil {
		a.fail(err)
		return
	}
	a.File(name, content)
}

// Link adds a symbolic link to target.
func (a *Archive) Link(name, target string) {
	a.Dir(path.Dir(name))
	a.entry(name, typeSymlink|0o777, []byte(target))
}

// Tree adds a directory of the host's with all that is below it. Every file
// becomes executable.
func (a *Archive) Tree(name, from string) {
	a.Dir(name)
	a.fail(filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		in := path.Join(name, strings.TrimPrefix(file, from))
		switch {
		case entry.IsDir():
			a.Dir(in)
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			a.Link(in, target)
		default:
			a.Copy(in, file)
		}
		return nil
	}))
}

// Close ends the archive. It does not close what the archive is written to.
func (a *Archive) Close() error {
	a.entry("/TRAILER!!!", 0, nil)
	return a.err
}

// entry writes the header, thirteen numbers in eight hexadecimal digits each,
// then the name and the content, both filled up to a multiple of four bytes.
func (a *Archive) entry(name string, mode int, content []byte) {
	name = strings.TrimPrefix(name, "/") + "\x00"
	a.ino++
	const uid, gid, links, mtime, dev, check = 0, 0, 1, 0, 0, 0
	header := "070701"
	for _, n := range []int{a.ino, mode, uid, gid, links, mtime, len(content), dev, dev, dev, dev, len(name), check} {
		header += fmt.Sprintf("%08x", n)
	}
	a.write([]byte(header + name))
	a.pad(len(header) + len(name))
	a.write(content)
	a.pad(len(content))
}

func (a *Archive) pad(size int) { a.write(make([]byte, -size&3)) }

func (a *Archive) write(data []byte) {
	if a.err == nil {
		_, a.err = a.to.Write(data)
	}
}

func (a *Archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}
