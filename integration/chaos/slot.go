package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed runtime.sh
var standIn []byte

// slot is the runtime of one round at a time: a directory with a program named
// runc that acts out faults.
type slot struct {
	name  string
	dir   string
	clock clock
	opens *opens
}

// runtimeCall is one call that the program in the runtime's place was given.
type runtimeCall struct {
	At       time.Time
	Verb, ID string
	Signal   int
	Mode     string // "pass", or the fault that was acted out
}

// Files that take the place of runc: the stand-in, one whose start fails as if
// it were not there, and two that a copy has only begun to write.
const (
	sound   = "sound"
	missing = "missing"
	empty   = "empty"
	half    = "half"
)

// newSlots makes n slots below dir, around the real runc.
func newSlots(dir, runc string, n int) ([]*slot, error) {
	stock := filepath.Join(dir, "stock")
	if err := writeStock(stock, runc); err != nil {
		return nil, err
	}
	c, err := newClock()
	if err != nil {
		return nil, err
	}
	var slots []*slot
	for i := range n {
		s := &slot{name: fmt.Sprintf("chaos-%d", i), dir: filepath.Join(dir, strconv.Itoa(i)), clock: c}
		if err := errors.Join(os.Mkdir(s.dir, 0o700), os.Symlink(runc, s.path("real")), unix.Mkfifo(s.path("release"), 0o600), s.put(sound)); err != nil {
			return nil, fmt.Errorf("a runtime to break: %w", err)
		}
		if s.opens, err = watchOpens(s.dir, "runc"); err != nil {
			return nil, err
		}
		slots = append(slots, s)
	}
	return slots, nil
}

// writeStock writes the files that are linked to where runc is.
func writeStock(dir, runc string) error {
	program, err := os.ReadFile(runc)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		sound: standIn,
		// The kernel's answer is that of a file which is not there, and unlike
		// such a file one can count who asks for it.
		missing: []byte("#!/nonexistent/runc\n"),
		empty:   nil,
		half:    program[:len(program)/2],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (s *slot) path(name string) string { return filepath.Join(s.dir, name) }

// runc is the path of the program that the slot's shims call.
func (s *slot) runc() string { return s.path("runc") }

// put makes one of the stock files the runtime, by rename.
func (s *slot) put(name string) error {
	fresh := s.path("runc.new")
	if err := os.Link(filepath.Join(filepath.Dir(s.dir), "stock", name), fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.runc()); err != nil {
		return err
	}
	if err := os.Remove(fresh); err != nil && !os.IsNotExist(err) { // two links to one file stay both
		return err
	}
	return nil
}

// fail makes a call of the container's fail in a mode of the stand-in.
func (s *slot) fail(id, verb, mode string) error {
	fresh := s.path("fault.new")
	if err := os.WriteFile(fresh, []byte(mode+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, s.path(id+"."+verb))
}

// lift ends every fault of the slot. Calls that hang go on once they are
// released.
func (s *slot) lift() error {
	files, err := filepath.Glob(s.path("*.*"))
	if err != nil {
		return err
	}
	errs := []error{s.put(sound)}
	for _, f := range files {
		if !strings.HasSuffix(f, ".new") {
			errs = append(errs, os.Remove(f))
		}
	}
	return errors.Join(errs...)
}

// release lets the calls go on that hang at this moment.
func (s *slot) release() {
	f, err := os.OpenFile(s.path("release"), os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return // none hangs
	}
	_, _ = io.WriteString(f, "go\n")
	_ = f.Close()
}

// calls returns the calls about a container so far.
func (s *slot) calls(id string) ([]runtimeCall, error) {
	data, err := os.ReadFile(s.path("calls"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var calls []runtimeCall
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) != 5 || f[2] != id {
			continue
		}
		at, err := s.clock.at(f[0])
		if err != nil {
			return nil, fmt.Errorf("calls of the runtime: %q: %w", line, err)
		}
		signal, _ := strconv.Atoi(f[3])
		calls = append(calls, runtimeCall{At: at, Verb: f[1], ID: f[2], Signal: signal, Mode: f[4]})
	}
	return calls, nil
}

// reset makes the slot ready for the next round.
func (s *slot) reset() error {
	if err := os.Remove(s.path("calls")); err != nil && !os.IsNotExist(err) {
		return err
	}
	return s.lift()
}
