package doctor

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/containerd/api/types"
	"google.golang.org/protobuf/proto"

	"bookend.dev/bookend/cmd/bookend/internal/criconfig"
	"bookend.dev/bookend/cmd/bookend/internal/daemon"
	"bookend.dev/bookend/hooks"
)

// findBinaries finds those that the runtime leads to; runc is the one that it
// names, and empty for the one on PATH.
func (f *Facts) findBinaries(ctx context.Context, runc string) {
	f.ByName = f.shimProgram(ctx, lookPath(f.Path, shimName))
	f.Shim = f.ByName
	r, ok := f.runtime()
	if ok && r.Path != "" {
		f.Shim = f.shimProgram(ctx, locate(r.Path))
	}
	if f.Shim.Resolved != "" {
		f.Executor = locate(filepath.Join(filepath.Dir(f.Shim.Resolved), executorName))
		f.Executor.ask(ctx)
	}
	f.Library = libraryOf(f.Executor.Resolved)
	f.Runc = lookPath(f.Path, cmp.Or(runc, "runc"))
	f.Runc.ask(ctx)
}

// locate resolves a path.
func locate(path string) Program {
	p := Program{Path: path}
	p.Resolved, p.Err = filepath.EvalSymlinks(path)
	if p.Err == nil {
		p.Err = executable(p.Resolved)
	}
	return p
}

// lookPath finds a program as containerd does.
func lookPath(dirs []string, name string) Program {
	if filepath.IsAbs(name) {
		return locate(name)
	}
	for _, dir := range dirs {
		if p := locate(filepath.Join(dir, name)); filepath.IsAbs(dir) && p.Err == nil {
			return p
		}
	}
	return Program{Err: fmt.Errorf("%s is in none of containerd's directories for programs, %s", name, strings.Join(dirs, ":"))}
}

func executable(path string) error {
	st, err := os.Stat(path)
	if err == nil && (!st.Mode().IsRegular() || st.Mode()&0o111 == 0) {
		err = fmt.Errorf("%s: %w", path, errNotExecutable)
	}
	return err
}

var errNotExecutable = errors.New("is not an executable file")

// ask runs a program for its version.
func (p *Program) ask(ctx context.Context) {
	if p.Err == nil {
		p.Version, p.Err = daemon.VersionOf(ctx, p.Path)
	}
}

const infoTimeout = 20 * time.Second

// shimProgram asks a shim for its version as containerd does, which shows that it
// starts here.
func (f *Facts) shimProgram(ctx context.Context, p Program) Program {
	if p.Err != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path, "-info")
	cmd.Env = []string{"PATH=" + strings.Join(f.Path, ":"), hooks.ConfigEnv + "=" + f.env(hooks.ConfigEnv)}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		p.Err = fmt.Errorf("%s -info: %w: %s", p.Path, err, bytes.TrimSpace(complaint.Bytes()))
		return p
	}
	var info types.RuntimeInfo
	if err := proto.Unmarshal(out, &info); err != nil {
		p.Err = fmt.Errorf("%s -info: %w", p.Path, err)
		return p
	}
	if info.GetName() != criconfig.OwnType {
		p.Err = fmt.Errorf("%s: %w: it calls itself %q", p.Path, errOther, info.GetName())
		return p
	}
	p.Version, p.Err = daemon.ParseVersion(info.GetVersion().GetVersion())
	return p
}

var errOther = errors.New("is another shim")

// runcModule is where a binary's build information has the library's version.
const runcModule = "github.com/opencontainers/runc"

// libraryOf is the version of runc that an executor was built with; none where
// that cannot be told.
func libraryOf(path string) daemon.Version {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return daemon.Version{}
	}
	for _, dep := range slices.Backward(info.Deps) {
		if dep.Path == runcModule {
			v, err := daemon.ParseVersion(dep.Version)
			if err == nil {
				return v
			}
		}
	}
	return daemon.Version{}
}
