package runtime

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runc "github.com/containerd/go-runc"
	"golang.org/x/sys/unix"
)

// script writes a program that is a shell script of the given name.
func script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

func identify(ctx context.Context, binary, dir string) (Identity, error) {
	return Identify(ctx, binary, dir, boundedRun(runc.Monitor))
}

func TestIdentifyScripts(t *testing.T) {
	const runcJSON = `{"annotations":{"org.opencontainers.runc.version":"1.3.5","io.github.seccomp.libseccomp.version":"2.6.1"}}`
	const noFeatures = "test $1 = --version || exit 1; echo '"
	for name, tt := range map[string]struct {
		binary string
		want   Identity
	}{
		"runc's features": {
			script(t, "wrapper", "test $1 = features && echo '"+runcJSON+"'"),
			Identity{Name: "runc", Version: "1.3.5", Libseccomp: "2.6.1", Plain: true},
		},
		"crun's features": {
			script(t, "crun", `echo '{"annotations":{"run.oci.crun.version":"1.21","io.github.seccomp.libseccomp.version":"2.5.5"}}'`),
			Identity{Name: "crun", Version: "1.21", Libseccomp: "2.5.5", Plain: true},
		},
		"a virtual machine of crun's": {
			script(t, "krun", noFeatures+"crun version 1.21'"),
			Identity{Name: "crun", Version: "1.21", Reason: "crun has another way to run containers by the name of krun"},
		},
		"a handler of crun's": {
			script(t, "crun-wasm", noFeatures+"crun version 1.21'"),
			Identity{Name: "crun", Version: "1.21", Reason: "crun has another way to run containers by the name of crun-wasm"},
		},
		"runsc": {
			script(t, "runc", noFeatures+"runsc version release-20260101.0\nspec: 1.1.0-rc.1'"),
			Identity{Name: "runsc", Version: "release-20260101.0", Reason: "it is not known whether containers of runsc are plain"},
		},
		"features without a name": {
			script(t, "youki", `test $1 = features && echo '{"ociVersionMin":"1.0.0"}' || echo 'youki version 0.5.7'`),
			Identity{Name: "youki", Version: "0.5.7", Reason: "it is not known whether containers of youki are plain"},
		},
		"a wrapper that speaks for itself": {
			script(t, "nvidia", noFeatures+"NVIDIA Container Runtime version 1.17.4\ncommit: x\n\nrunc version 1.2.5'"),
			Identity{Name: "NVIDIA Container Runtime", Version: "1.17.4", Reason: "it is not known whether containers of NVIDIA Container Runtime are plain"},
		},
		"two names": {
			script(t, "both", `test $1 = features && echo '{"annotations":{"run.oci.crun.version":"1","org.opencontainers.runc.version":"1"}}'`+"\ntrue"),
			Identity{Reason: "the runtime does not say what it is"},
		},
		"a long name": {
			script(t, "long", noFeatures+strings.Repeat("x", 65)+" version 1'"),
			Identity{Version: "1", Reason: "the runtime does not say what it is"},
		},
		"nothing": {script(t, "silent", "true"), Identity{Reason: "the runtime does not say what it is"}},
		"garbage": {script(t, "garbage", `printf '\001\002 version \003\n'`), Identity{Reason: "the runtime does not say what it is"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := identify(t.Context(), tt.binary, t.TempDir())
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestIdentifyRealRuntimes(t *testing.T) {
	runcPath, _ := binaries(t)
	for binary, want := range map[string]Identity{
		runcPath:         {Name: "runc", Plain: true},
		"/usr/sbin/runc": {Name: "runc", Plain: true},
		"/usr/bin/crun":  {Name: "crun", Plain: true},
	} {
		t.Run(binary, func(t *testing.T) {
			if _, err := os.Stat(binary); err != nil {
				t.Skipf("not installed: %v", err)
			}
			out, err := exec.Command(binary, "--version").Output()
			must(t, err)
			got, err := identify(t.Context(), binary, t.TempDir())
			must(t, err)
			if !strings.Contains(string(out), want.Name+" version "+got.Version+"\n") || got.Version == "" {
				t.Errorf("version %q, but it says %s", got.Version, out)
			}
			if want.Name == "runc" && !strings.Contains(string(out), "libseccomp: "+got.Libseccomp) {
				t.Errorf("libseccomp %q, but it says %s", got.Libseccomp, out)
			}
			got.Version, got.Libseccomp = "", ""
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestIdentifyThoseThatDoNotAnswer(t *testing.T) {
	ended := errors.New("enough")
	for name, text := range map[string]string{
		"hangs":                        "exec sleep 900",
		"leaves one that holds stdout": "exec cat $0.open &",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, ended)
			defer cancel()
			dir, binary := t.TempDir(), script(t, "runc", text)
			must(t, unix.Mkfifo(binary+".open", 0o600))
			defer func() { must(t, releaseReader(binary+".open")) }()
			if got, err := identify(ctx, binary, dir); !errors.Is(err, ended) {
				t.Errorf("got %+v, %v; want the context's end", got, err)
			}
			wantNoAnswerKept(t, dir)
		})
	}
	t.Run("prints without end", func(t *testing.T) {
		dir := t.TempDir()
		if got, err := identify(t.Context(), script(t, "runc", "exec cat /dev/zero"), dir); !errors.Is(err, errTooLong) {
			t.Errorf("got %+v, %v; want %v", got, err, errTooLong)
		}
		wantNoAnswerKept(t, dir)
	})
	t.Run("fails", func(t *testing.T) {
		if got, err := identify(t.Context(), script(t, "runc", "exit 3"), t.TempDir()); err == nil {
			t.Errorf("got %+v, want an error", got)
		}
	})
	t.Run("does not exist", func(t *testing.T) {
		if got, err := identify(t.Context(), "/no/such", t.TempDir()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %+v, %v; want %v", got, err, os.ErrNotExist)
		}
	})
	t.Run("is a directory", func(t *testing.T) {
		binary := t.TempDir()
		if got, err := identify(t.Context(), binary, t.TempDir()); err == nil || err.Error() != binary+" is not a file" {
			t.Errorf("got %+v, %v; want that %s is not a file", got, err, binary)
		}
	})
}

// releaseReader lets whoever reads from a FIFO, or is about to, come to its end.
func releaseReader(fifo string) error {
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func wantNoAnswerKept(t *testing.T, dir string) {
	t.Helper()
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

func TestIdentifyAsksOnce(t *testing.T) {
	asked := 0
	answer := "runc version 1.1.5"
	run := func(_ context.Context, _ string, args ...string) ([]byte, error) {
		asked++
		if args[0] == "features" {
			return nil, errors.New("no such command")
		}
		return []byte(answer), nil
	}
	dir, binary := t.TempDir(), script(t, "runc", "")
	want := func(what, version string, questions int) {
		t.Helper()
		got, err := Identify(t.Context(), binary, dir, run)
		if err != nil || got.Version != version || asked != questions {
			t.Errorf("%s: got %+v, %v after %d questions; want version %s after %d", what, got, err, asked, version, questions)
		}
	}
	want("first", "1.1.5", 2)
	want("again", "1.1.5", 2)
	answer = "runc version 1.3.5"
	must(t, os.Rename(script(t, "new", "# longer"), binary))
	want("another binary", "1.3.5", 4)
	want("again", "1.3.5", 4)

	files, err := filepath.Glob(filepath.Join(dir, "runtimes", "*"))
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("files %v, want one", files)
	}
	data, err := os.ReadFile(files[0])
	must(t, err)
	must(t, os.WriteFile(files[0], []byte(strings.Replace(string(data), `"plain":true`, `"plain":null`, 1)), 0o600))
	want("damaged", "1.3.5", 6)

	key, err := binaryKeyOf(binary)
	must(t, err)
	must(t, os.WriteFile(files[0], []byte(strings.Repeat("x", 2*nodeFileLimit)), 0o600))
	want("too long", "1.3.5", 8)
	must(t, newIdentityFiles(dir).write(key, Identity{Version: "0"}, time.Now().Add(-2*identityAge)))
	want("old", "1.3.5", 10)
	must(t, newIdentityFiles(dir).write(key, Identity{Version: "0"}, time.Now().Add(time.Hour)))
	want("of tomorrow", "1.3.5", 12)
	must(t, os.RemoveAll(dir))
	must(t, os.WriteFile(dir, nil, 0o600)) // nothing can be written below it, by root either
	want("not writable", "1.3.5", 14)
	want("not writable", "1.3.5", 16)
}

func TestIdentityRuncSince(t *testing.T) {
	for version, want := range map[string]bool{
		"1.2.0": true, "1.2": true, "1.2.0-rc.1": true, "1.10.1": true, "2.0": true,
		"1.1.5+ds1": false, "0.9": false, "": false, "1": false, "unknown": false,
	} {
		if got := (Identity{Name: "runc", Version: version}).runcSince(2); got != want {
			t.Errorf("%q: got %v", version, got)
		}
	}
	if (Identity{Name: "crun", Version: "1.21"}).runcSince(2) {
		t.Error("crun is no runc")
	}
}

// What others could have written is not believed, and what hangs is not waited for.
func TestIdentifyTrustsNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	kept := func(dir string, key binaryKey) string { return filepath.Join(dir, "runtimes", key.fileName()) }
	for name, spoil := range map[string]func(t *testing.T, dir string, key binaryKey){
		"a file of another user":     func(t *testing.T, dir string, key binaryKey) { must(t, os.Chown(kept(dir, key), 1000, 0)) },
		"a file for others to write": func(t *testing.T, dir string, key binaryKey) { must(t, os.Chmod(kept(dir, key), 0o666)) },
		"a directory of another user": func(t *testing.T, dir string, _ binaryKey) {
			must(t, os.Chown(filepath.Join(dir, "runtimes"), 1000, 0))
		},
		"a directory others write to": func(t *testing.T, dir string, _ binaryKey) { must(t, os.Chmod(filepath.Join(dir, "runtimes"), 0o777)) },
		"a FIFO that nobody writes to": func(t *testing.T, dir string, key binaryKey) {
			must(t, os.Remove(kept(dir, key)))
			must(t, unix.Mkfifo(kept(dir, key), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, binary := t.TempDir(), script(t, "runc", "echo runsc version 1")
			key, err := binaryKeyOf(binary)
			must(t, err)
			must(t, newIdentityFiles(dir).write(key, Identity{Name: "runc", Plain: true}, time.Now()))
			if got, err := identify(t.Context(), binary, dir); err != nil || !got.Plain {
				t.Fatalf("got %+v, %v; want what was kept", got, err)
			}
			spoil(t, dir, key)
			if got, err := identify(t.Context(), binary, dir); err != nil || got.Name != "runsc" || got.Plain {
				t.Errorf("got %+v, %v; want what the binary says", got, err)
			}
		})
	}
}
