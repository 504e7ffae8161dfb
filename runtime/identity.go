package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go/features"
)

// Identity is what a runtime's binary says of itself.
type Identity struct {
	Name       string `json:"name"`       // as in "runc"; empty: it does not say
	Version    string `json:"version"`    // as in "1.5.2"; empty: it does not say
	Libseccomp string `json:"libseccomp"` // the library's version; empty: it does not say
	// Plain tells that a process in the namespaces of a container's init is in the
	// container: there is no sandbox besides.
	Plain  bool   `json:"plain"`
	Reason string `json:"reason,omitempty"` // why it is not plain
}

// Names of the runtimes whose containers the joiner enters.
const (
	nameRunc = "runc"
	nameCrun = "crun"
)

// identifyTimeout bounds how long a binary may take to say what it is.
const identifyTimeout = 10 * time.Second

// RunProgram runs a program, bounded in what it prints, and returns what it prints on
// stdout.
type RunProgram func(ctx context.Context, binary string, args ...string) ([]byte, error)

// Identify returns what the runtime binary, a path, says of itself: once for all
// shims that are given the same dir, in which the answer is kept for a while. A
// binary that says nothing of use is one that is not plain, and no error; an error
// means that no one knows.
func Identify(ctx context.Context, binary, dir string, run RunProgram) (Identity, error) {
	return newIdentityFiles(dir).identify(ctx, binary, run)
}

func (i identityFiles) identify(ctx context.Context, binary string, run RunProgram) (Identity, error) {
	key, err := binaryKeyOf(binary)
	if err != nil {
		return Identity{}, err
	}
	if identity, ok := i.read(key); ok {
		return identity, nil
	}
	identity, err := ask(ctx, binary, run)
	if err != nil {
		return Identity{}, fmt.Errorf("runtime %s: %w", binary, err)
	}
	if now, err := binaryKeyOf(binary); err == nil && now == key {
		_ = i.write(key, identity, time.Now()) // or the next container asks again
	}
	return identity, nil
}

// ask asks the binary. Its features name and date the build; runtimes that have no
// such command, and some that have, tell their name to --version alone. A wrapper
// that hands the question on is what it wraps.
func ask(ctx context.Context, binary string, run RunProgram) (Identity, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, identifyTimeout, errors.New("it does not say in time what it is"))
	defer cancel()
	out, err := run(ctx, binary, "features")
	if i, ok := fromFeatures(out); err == nil && ok {
		return i.judge(binary), nil
	}
	out, err = run(ctx, binary, "--version")
	if err != nil {
		return Identity{}, err
	}
	return fromVersion(out).judge(binary), nil
}

// fromFeatures reads the document of `features`, whose annotations are the
// runtime's own.
func fromFeatures(out []byte) (i Identity, ok bool) {
	var f features.Features
	if json.Unmarshal(out, &f) != nil {
		return Identity{}, false
	}
	i.Libseccomp = printable(f.Annotations["io.github.seccomp.libseccomp.version"])
	for name, key := range map[string]string{
		nameRunc: "org.opencontainers.runc.version",
		nameCrun: "run.oci.crun.version",
	} {
		if version := printable(f.Annotations[key]); version != "" {
			if ok {
				return Identity{}, false // it says that it is both
			}
			i.Name, i.Version, ok = name, version, true
		}
	}
	return i, ok
}

// fromVersion reads lines such as these:
//
//	runc version 1.1.5+ds1
//	libseccomp: 2.5.4
func fromVersion(out []byte) Identity {
	var i Identity
	lines := strings.Split(string(out), "\n")
	if name, version, ok := strings.Cut(lines[0], " version "); ok {
		i.Name, i.Version = printable(name), printable(version)
	}
	for _, line := range lines[1:] {
		if version, ok := strings.CutPrefix(line, "libseccomp: "); ok {
			i.Libseccomp = printable(version)
		}
	}
	return i
}

// printable is a word that may go into logs and comparisons, empty for all else.
func printable(s string) string {
	s = strings.TrimSpace(s)
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if len(s) > 64 || strings.IndexFunc(s, odd) >= 0 {
		return ""
	}
	return s
}

// judge says whether the runtime is plain. Which ones are is known of these and
// must be found out for any other.
func (i Identity) judge(binary string) Identity {
	base := filepath.Base(binary)
	switch {
	case i.Name == "":
		i.Reason = "the runtime does not say what it is"
	case !slices.Contains([]string{nameRunc, nameCrun}, i.Name):
		i.Reason = fmt.Sprintf("it is not known whether containers of %s are plain", i.Name)
	case i.Name == nameCrun && (strings.HasPrefix(base, "krun") || strings.HasPrefix(base, "crun-")):
		// crun takes a handler, such as a virtual machine, from its own name.
		i.Reason = fmt.Sprintf("crun has another way to run containers by the name of %s", printable(base))
	default:
		i.Plain = true
	}
	return i
}

// runcSince tells whether it is runc 1.minor or newer; a release candidate counts
// as what it is a candidate for, and a version that cannot be read as old.
func (i Identity) runcSince(minor int) bool {
	var gotMajor, gotMinor int
	if n, _ := fmt.Sscanf(i.Version, "%d.%d", &gotMajor, &gotMinor); i.Name != nameRunc || n < 2 {
		return false
	}
	return gotMajor > 1 || gotMajor == 1 && gotMinor >= minor
}
