package runtime

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

type awaited struct {
	pid int
	err error
}

func watchPid(t *testing.T, ctx context.Context) (string, <-chan awaited) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "init.pid")
	w, err := WatchPid(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan awaited, 1)
	go func() {
		pid, err := w.Await(ctx)
		done <- awaited{pid, err}
	}()
	return path, done
}

func mustWrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPidWatchSeesTheFileHoweverItComes(t *testing.T) {
	for name, write := range map[string]func(path string){
		"renamed": func(path string) {
			mustWrite(t, path+".tmp", "4711")
			if err := os.Rename(path+".tmp", path); err != nil {
				t.Fatal(err)
			}
		},
		"written":         func(path string) { mustWrite(t, path, "4711\n") },
		"in two writings": func(path string) { mustWrite(t, path, ""); mustWrite(t, path, "4711") },
		"after others": func(path string) {
			for _, other := range []string{"options.json", "init.pid.old", "a"} {
				mustWrite(t, filepath.Join(filepath.Dir(path), other), "1")
			}
			mustWrite(t, path, "4711")
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		path, done := watchPid(t, ctx)
		write(path)
		if got := <-done; got.pid != 4711 || got.err != nil {
			t.Errorf("%s: got %+v", name, got)
		}
		cancel()
	}
}

func TestPidWatchEndsWithItsContext(t *testing.T) {
	gaveUp := errors.New("create has returned")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, done := watchPid(t, ctx)
	cancel(gaveUp)
	if got := <-done; !errors.Is(got.err, gaveUp) {
		t.Errorf("got %+v", got)
	}
}

func TestPidWatchNeedsADirectory(t *testing.T) {
	if _, err := WatchPid(filepath.Join(t.TempDir(), "none", "init.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
