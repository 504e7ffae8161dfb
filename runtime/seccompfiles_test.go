package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// shims returns as many shims' programs, in one directory that does not exist.
func shims(t *testing.T, c *compiler, n int) (dir string, all []*SeccompPrograms) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "records", "seccomp")
	for range n {
		s := NewSeccompPrograms(dir, "v1", c.compile)
		s.Log = func(err error) { t.Log(err) }
		all = append(all, s)
	}
	return dir, all
}

func wantProgram(t *testing.T, s *SeccompPrograms, profile string) {
	t.Helper()
	p, err := s.Program(t.Context(), json.RawMessage(profile), Identity{})
	if err != nil || string(p.Program) != string(aProgram().Program) {
		t.Errorf("got %v, %v", p, err)
	}
}

// kept is the file of [aProfile].
func kept(t *testing.T, dir string) string {
	t.Helper()
	digest, err := NewSeccompPrograms(dir, "v1", nil).digest(json.RawMessage(aProfile))
	must(t, err)
	return filepath.Join(dir, digest)
}

func TestProgramIsCompiledOnceForANode(t *testing.T) {
	c := &compiler{answer: aProgram()}
	dir, s := shims(t, c, 2)
	wantProgram(t, s[0], aProfile)
	wantProgram(t, s[1], aProfile)
	if n := c.asked.Load(); n != 1 {
		t.Errorf("compiled %d times", n)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, kept(t, dir): 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
}

func TestShimsThatRaceKeepOneFile(t *testing.T) {
	c := &compiler{answer: aProgram()}
	dir, s := shims(t, c, 16)
	var wg sync.WaitGroup
	for _, s := range s {
		wg.Go(func() { wantProgram(t, s, aProfile) })
	}
	wg.Wait()
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("got %v, %v", files, err)
	}
	program, err := s[0].files.load(filepath.Base(kept(t, dir)))
	if program == nil || err != nil {
		t.Errorf("got %v, %v", program, err)
	}
}

// What cannot be trusted is compiled anew and replaced.
func TestDamagedFileIsCompiledAnew(t *testing.T) {
	rewrite := func(edit func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			data, err := os.ReadFile(file)
			must(t, err)
			must(t, os.WriteFile(file, edit(data), 0o600))
		}
	}
	other := strings.Repeat("0", 64)
	for name, damage := range map[string]func(*testing.T, string){
		"torn":           rewrite(func(d []byte) []byte { return d[:len(d)-10] }),
		"empty":          rewrite(func([]byte) []byte { return nil }),
		"wrong checksum": rewrite(func(d []byte) []byte { d[0] ^= 1; return d }),
		"another's": rewrite(func([]byte) []byte {
			data, err := json.Marshal(aProgram())
			must(t, err)
			return sealed(other, data)
		}),
		"no program": rewrite(func(d []byte) []byte {
			digest := kept(t, t.TempDir())
			return sealed(filepath.Base(digest), []byte("{}"))
		}),
		"of others to write": func(t *testing.T, file string) { must(t, os.Chmod(file, 0o620)) },
		"of another user": func(t *testing.T, file string) {
			if os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			must(t, os.Chown(file, 1, 0))
		},
		"a FIFO": func(t *testing.T, file string) {
			must(t, os.Remove(file))
			must(t, syscall.Mkfifo(file, 0o600))
		},
		"a link to the host": func(t *testing.T, file string) {
			outside := filepath.Join(t.TempDir(), "file")
			must(t, os.Rename(file, outside))
			must(t, os.Symlink(outside, file))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &compiler{answer: aProgram()}
			dir, s := shims(t, c, 3)
			wantProgram(t, s[0], aProfile)
			damage(t, kept(t, dir))
			wantProgram(t, s[1], aProfile)
			if n := c.asked.Load(); n != 2 {
				t.Errorf("compiled %d times", n)
			}
			wantProgram(t, s[2], aProfile) // from the file that is whole again
			if n := c.asked.Load(); n != 2 {
				t.Errorf("compiled %d times", n)
			}
		})
	}
}

// Where nothing can be kept, a shim keeps its own in memory.
func TestUnusableDirectory(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, string){
		"a file in its place": func(t *testing.T, dir string) {
			must(t, os.MkdirAll(filepath.Dir(dir), 0o700))
			must(t, os.WriteFile(dir, nil, 0o600))
		},
		"of others to write": func(t *testing.T, dir string) {
			must(t, os.MkdirAll(dir, 0o700))
			must(t, os.Chmod(dir, 0o777))
		},
		"of another user": func(t *testing.T, dir string) {
			if os.Geteuid() != 0 {
				t.Skip("only root gives directories away")
			}
			must(t, os.MkdirAll(dir, 0o700))
			must(t, os.Chown(dir, 1, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &compiler{answer: aProgram()}
			dir, s := shims(t, c, 2)
			spoil(t, dir)
			var told int
			s[0].Log = func(error) { told++ }
			for range 3 {
				wantProgram(t, s[0], aProfile)
			}
			if n := c.asked.Load(); n != 1 || told == 0 {
				t.Errorf("compiled %d times, told %d times", n, told)
			}
			wantProgram(t, s[1], aProfile)
			if n := c.asked.Load(); n != 2 {
				t.Errorf("compiled %d times", n)
			}
			if files, _ := os.ReadDir(dir); len(files) != 0 {
				t.Errorf("left there: %v", files)
			}
		})
	}
}

func TestOldestUseGoesFirst(t *testing.T) {
	c := &compiler{answer: aProgram()}
	dir, s := shims(t, c, 2)
	profile := func(i int) string {
		return fmt.Sprintf(`{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": %d}`, i)
	}
	file := func(i int) string {
		digest, err := s[0].digest(json.RawMessage(profile(i)))
		must(t, err)
		return filepath.Join(dir, digest)
	}
	longAgo := time.Now().Add(-time.Hour)
	for i := range maxSeccompPrograms {
		wantProgram(t, s[0], profile(i))
		at := longAgo.Add(time.Duration(i) * time.Second)
		must(t, os.Chtimes(file(i), at, at))
	}
	must(t, os.WriteFile(filepath.Join(dir, ".unfinished"), nil, 0o600))
	must(t, os.Chtimes(filepath.Join(dir, ".unfinished"), longAgo.Add(-1), longAgo.Add(-1)))
	wantProgram(t, s[1], profile(0)) // used now
	wantProgram(t, s[1], profile(maxSeccompPrograms))
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) != maxSeccompPrograms {
		t.Errorf("%d files are kept", len(files))
	}
	for i, want := range map[int]bool{0: true, 1: false, 2: true, maxSeccompPrograms: true} {
		if _, err := os.Stat(file(i)); (err == nil) != want {
			t.Errorf("program %d: %v", i, err)
		}
	}
	if n := c.asked.Load(); n != maxSeccompPrograms+1 {
		t.Errorf("compiled %d times", n)
	}
}

// A clock that was set back makes what is new the oldest: it stays all the same.
func TestWhatIsSavedIsNotPruned(t *testing.T) {
	c := &compiler{answer: aProgram()}
	dir, s := shims(t, c, 1)
	must(t, os.MkdirAll(dir, 0o700))
	later := time.Now().Add(time.Hour)
	for i := range maxSeccompPrograms {
		name := filepath.Join(dir, fmt.Sprint(i))
		must(t, os.WriteFile(name, nil, 0o600))
		must(t, os.Chtimes(name, later, later))
	}
	wantProgram(t, s[0], aProfile)
	if _, err := os.Stat(kept(t, dir)); err != nil {
		t.Error(err)
	}
}

// No hook waits for a file system that hangs, and nothing piles up before it.
func TestFileSystemThatHangs(t *testing.T) {
	c := &compiler{answer: aProgram()}
	_, s := shims(t, c, 1)
	synctest.Test(t, func(t *testing.T) {
		var errs []error
		s := NewSeccompPrograms(s[0].files.dir, "v1", c.compile)
		s.Log = func(err error) { errs = append(errs, err) }
		answer := make(chan struct{})
		var opened atomic.Int32
		s.files.open = func(string) (*os.Root, error) {
			opened.Add(1)
			<-answer
			return nil, errors.New("input/output error")
		}
		began := time.Now()
		wantProgram(t, s, aProfile)
		wantProgram(t, s, `{"defaultAction": "SCMP_ACT_KILL"}`)
		if waited := time.Since(began); waited != nodePatience || opened.Load() != 1 { // in synctest's time
			t.Errorf("waited %s, asked %d times", waited, opened.Load())
		}
		for _, err := range errs {
			if !errors.Is(err, errHangs) {
				t.Error(err)
			}
		}
		close(answer)
		synctest.Wait()
	})
}

// An upgrade that puts another binary into the place of one is noticed.
func TestBinaryIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exec")
	identity := func() string {
		st, err := os.Stat(path)
		must(t, err)
		id, err := binaryIdentity(path, st)
		must(t, err)
		return id
	}
	must(t, os.WriteFile(path, []byte("one"), 0o700))
	st, err := os.Stat(path)
	must(t, err)
	first := identity()
	if identity() != first {
		t.Error("one binary is two")
	}
	must(t, os.WriteFile(path+".new", []byte("two"), 0o700))
	must(t, os.Chtimes(path+".new", st.ModTime(), st.ModTime()))
	must(t, os.Rename(path+".new", path))
	if identity() == first {
		t.Error("two binaries are one")
	}
}
