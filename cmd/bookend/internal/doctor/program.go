package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/api/types"
	"google.golang.org/protobuf/proto"

	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// findBinaries finds those that the runtime leads to; runc is the one that it
// names, and empty for the one on PATH.
func (f *Facts) findBinaries(ctx context.Context, runc string) {
	f.ByName, f.Joiner = f.shimProgram(ctx, lookPath(f.Path, hooks.ShimBinary))
	f.Shim = f.ByName
	r, ok := f.runtime()
	if ok && r.Path != "" {
		f.Shim, f.Joiner = f.shimProgram(ctx, locate(r.Path))
	}
	if f.Shim.Resolved != "" {
		f.Executor = locate(filepath.Join(filepath.Dir(f.Shim.Resolved), hooks.ExecBinary))
		f.askExecutor(ctx)
	}
	f.Runc = lookPath(f.Path, cmp.Or(runc, "runc"))
	f.Runc.ask(ctx)
	f.askRuntime(ctx)
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

// ask runs a program for its version.
func (p *Program) ask(ctx context.Context) {
	if p.Err == nil {
		p.Version, p.Err = program.VersionOf(ctx, p.Path)
	}
}

// shimProgram asks a shim for its version as containerd does, which shows that it
// starts here, and returns what it says of the joiner.
func (f *Facts) shimProgram(ctx context.Context, p Program) (asked Program, joiner string) {
	if p.Err != nil {
		return p, ""
	}
	info, err := f.shimInfo(ctx, p.Path)
	if err == nil && info.GetName() != hooks.RuntimeType {
		err = fmt.Errorf("%s: %w: it calls itself %q", p.Path, errOther, info.GetName())
	}
	if err != nil {
		p.Err = err
		return p, ""
	}
	p.Version, p.Err = program.ParseVersion(info.GetVersion().GetVersion())
	return p, info.GetAnnotations()[hooks.JoinerAnnotation]
}

func (f *Facts) shimInfo(ctx context.Context, path string) (*types.RuntimeInfo, error) {
	env := []string{"PATH=" + strings.Join(f.Path, ":"), hooks.ConfigEnv + "=" + f.env(hooks.ConfigEnv)}
	out, err := program.AskIn(ctx, env, path, "-info")
	if err != nil {
		return nil, err
	}
	info := &types.RuntimeInfo{}
	if err := proto.Unmarshal(out, info); err != nil {
		return nil, fmt.Errorf("%s -info: %w", path, err)
	}
	return info, nil
}

// askExecutor asks an executor for its version and those of its libraries.
func (f *Facts) askExecutor(ctx context.Context) {
	if f.Executor.Err != nil {
		return
	}
	out, err := program.Ask(ctx, f.Executor.Path, "--version")
	if err != nil {
		f.Executor.Err = err
		return
	}
	f.Executor.Version, f.Executor.Err = program.ParseVersion(string(out))
	for line := range strings.Lines(string(out)) {
		switch name, version, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
		case "runc":
			f.Compiler.Runc, _ = program.ParseVersion(version) // "unknown" is none
		case "libseccomp":
			f.Compiler.Libseccomp = version
		}
	}
}

// askRuntime asks the runtime what it is, as shims do, whose answer is kept
// nowhere here.
func (f *Facts) askRuntime(ctx context.Context) {
	if f.Runc.Err == nil {
		f.Identity, f.IdentityErr = runtime.Identify(ctx, f.Runc.Path, os.DevNull, program.Ask)
	}
}
