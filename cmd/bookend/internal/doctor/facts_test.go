package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/api/types"
	"google.golang.org/protobuf/proto"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/hooks"
)

func write(t *testing.T, path, content string, mode fs.FileMode) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

// readNodeConfig looks with this in containerd's environment.
func readNodeConfig(asked, env string) (NodeConfig, *hooks.Config) {
	f := &Facts{Options: Options{NodeConfig: asked}, CRI: &criconfig.Config{}, Daemon: &daemon.Daemon{Process: daemon.Process{Env: map[string]string{hooks.ConfigEnv: env}}}}
	node, _ := f.readNode()
	return f.NodeConfig, node
}

func TestTheNodesConfigurationIsTheOneThatShimsRead(t *testing.T) {
	dir := t.TempDir()
	good := write(t, filepath.Join(dir, "good.toml"), "[policy]\nallowUser = true\n", 0o600)
	bad := write(t, filepath.Join(dir, "bad.toml"), "[policy]\nallowUsr = true\n", 0o600)
	for _, tt := range []struct {
		asked, env, path string
		must             bool
	}{{good, bad, good, true}, {"", good, good, true}, {"", "", hooks.ConfigPath, false}} {
		if d, _ := readNodeConfig(tt.asked, tt.env); d.Path != tt.path || d.Named != tt.must {
			t.Errorf("asked for %q with %q in the environment: got %+v", tt.asked, tt.env, d)
		}
	}
	var invalid *hooks.InvalidError
	if d, _ := readNodeConfig("", bad); !errors.As(d.Err, &invalid) || !strings.Contains(d.Err.Error(), bad) {
		t.Errorf("got %+v", d)
	}
	if d, _ := readNodeConfig(good, ""); d.Err != nil {
		t.Errorf("got %+v", d)
	}
}

func TestTheRecordsAreWhereTheNodesConfigurationSays(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "node.toml"), "[records]\ndirectory = \"/somewhere/else\"\n", 0o600)
	if _, cfg := readNodeConfig(file, ""); cfg.Records.Directory != "/somewhere/else" {
		t.Errorf("got %q", cfg.Records.Directory)
	}
	if _, cfg := readNodeConfig(filepath.Join(t.TempDir(), "none"), ""); cfg.Records != hooks.DefaultRecords() {
		t.Errorf("where there is no file: got %+v", cfg.Records)
	}
}

func TestADirectoryIsWritableOrCanBeMade(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if mode, err := writable(dir); mode != 0o750 || err != nil {
		t.Errorf("got %o, %v", mode, err)
	}
	if mode, err := writable(filepath.Join(dir, "a/b")); mode != 0 || err != nil {
		t.Errorf("to be made: got %o, %v", mode, err)
	}
	file := write(t, filepath.Join(dir, "file"), "", 0o600)
	if _, err := writable(file); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if _, err := writable(loop); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a loop: %v", err)
	}
}

func TestProgramsAreFoundAsContainerdFindsThem(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a/prog"), "", 0o644) // not executable
	want := write(t, filepath.Join(dir, "b/prog"), "#!/bin/sh\necho prog version 1.2.3\n", 0o755)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(want, link); err != nil {
		t.Fatal(err)
	}
	dirs := []string{filepath.Join(dir, "none"), "relative", filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	p := lookPath(dirs, "prog")
	p.ask(t.Context())
	if p.Err != nil || p.Path != want || p.Version.Text != "1.2.3" {
		t.Errorf("got %+v", p)
	}
	if p := lookPath(nil, link); p.Err != nil || p.Path != link || p.Resolved != want {
		t.Errorf("by path: got %+v", p)
	}
	if p := lookPath(dirs, "other"); p.Err == nil || p.Path != "" {
		t.Errorf("none: got %+v", p)
	}
	if p := locate(filepath.Join(dir, "a/prog")); !errors.Is(p.Err, errNotExecutable) {
		t.Errorf("not executable: got %+v", p)
	}
}

func TestAShimThatIsNoneOfOursIsSeen(t *testing.T) {
	f := &Facts{Daemon: &daemon.Daemon{}}
	dir := t.TempDir()
	for content, want := range map[string]string{
		"#!/bin/sh\nexit 3\n":                 "exit status 3",
		"#!/bin/sh\n":                         "is another shim",
		"#!/bin/sh\nprintf '\\012\\003xyz'\n": `calls itself "xyz"`,
	} {
		path := write(t, filepath.Join(dir, "shim"), content, 0o755)
		if p, _ := f.shimProgram(t.Context(), locate(path)); p.Err == nil || !strings.Contains(p.Err.Error(), want) {
			t.Errorf("%q: got %v, want %s", content, p.Err, want)
		}
	}
}

func TestTheFreezerOfCgroupV1IsSeen(t *testing.T) {
	const line = "35 30 0:31 / /sys/fs/cgroup/%s rw,nosuid shared:15 - cgroup cgroup rw,%s\n"
	for kind, want := range map[string]bool{"freezer": true, "memory": false} {
		mounts := write(t, filepath.Join(t.TempDir(), "mountinfo"), strings.ReplaceAll(line, "%s", kind), 0o600)
		if v2, freezer := cgroups(t.TempDir(), mounts); v2 || freezer != want {
			t.Errorf("%s: got %v, %v", kind, v2, freezer)
		}
	}
}

func TestOwnCapabilitiesAreRead(t *testing.T) {
	held := capabilitiesOf(os.Getpid())
	if len(held) != len(needs()) {
		t.Errorf("got %v", held)
	}
	if capabilitiesOf(1<<30) != nil {
		t.Error("a process that does not exist has capabilities")
	}
}

func TestContainerdsFileIsTheOneItRunsWith(t *testing.T) {
	f := &Facts{}
	for _, tt := range []struct {
		args       []string
		flag, want string
	}{
		{nil, "", daemon.MainConfig},
		{[]string{"containerd", "--config", "/x"}, "", "/x"},
		{[]string{"containerd", "--config", "x"}, "", daemon.MainConfig}, // relative to a directory that is not known
		{[]string{"containerd", "--config", "/x"}, "/flag", "/flag"},
	} {
		f.Daemon = &daemon.Daemon{Process: daemon.Process{Args: tt.args}}
		f.ContainerdConfig = tt.flag
		if got := f.mainConfig(); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

func TestARuntimeOfOurOwnTypeHasItsConfigurationInItsOptions(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "strict.toml"), "[records]\ndirectory = \"/file\"\n[runc]\nbinaryName = \"/file/runc\"\n", 0o600)
	env := write(t, filepath.Join(dir, "env.toml"), "[records]\ndirectory = \"/env\"\n[runc]\nbinaryName = \"/env/runc\"\n", 0o600)
	inline := map[string]any{"records": map[string]any{"directory": "/inline"}, "runc": map[string]any{"binaryName": "/inline/runc"}}
	for name, tt := range map[string]struct {
		runtime             criconfig.Runtime
		asked, dir, runc    string
		document, complaint string
	}{
		"a file":           {criconfig.Runtime{Type: hooks.RuntimeType, Options: map[string]any{"ConfigPath": file}}, "", "/file", "/file/runc", file, ""},
		"a file, asked":    {criconfig.Runtime{Type: hooks.RuntimeType, Options: map[string]any{"ConfigPath": file}}, env, "/env", "/env/runc", env, ""},
		"the table itself": {criconfig.Runtime{Type: hooks.RuntimeType, Options: inline}, "", "/inline", "/inline/runc", `the options of runtime "strict" in /c.toml`, ""},
		"runc's names in it": {
			criconfig.Runtime{Type: hooks.RuntimeType, Options: map[string]any{"BinaryName": "/x"}}, "", hooks.DefaultRecords().Directory, "",
			`the options of runtime "strict" in /c.toml`, "BinaryName: unknown field",
		},
		"no options":  {criconfig.Runtime{Type: hooks.RuntimeType}, "", "/env", "", env, ""},
		"runc's type": {criconfig.Runtime{Type: "io.containerd.runc.v2", Options: map[string]any{"BinaryName": "/x"}}, "", "/env", "/x", env, ""},
	} {
		f := &Facts{
			Options: Options{RuntimeName: "strict", NodeConfig: tt.asked},
			Daemon:  &daemon.Daemon{Process: daemon.Process{Env: map[string]string{hooks.ConfigEnv: env}}},
			CRI:     &criconfig.Config{Path: "/c.toml", Runtimes: map[string]criconfig.Runtime{"strict": tt.runtime}},
		}
		node, runc := f.readNode()
		if node.Records.Directory != tt.dir || runc != tt.runc || f.NodeConfig.Path != tt.document {
			t.Errorf("%s: got %+v with records in %s and runc %q", name, f.NodeConfig, node.Records.Directory, runc)
		}
		if err := f.NodeConfig.Err; (err != nil) != (tt.complaint != "") || err != nil && !strings.Contains(err.Error(), tt.complaint) {
			t.Errorf("%s: got %v, want %q", name, err, tt.complaint)
		}
	}
}

func TestTheExecutorNamesItsLibraries(t *testing.T) {
	ask := func(script string) *Facts {
		path := write(t, filepath.Join(t.TempDir(), hooks.ExecBinary), "#!/bin/sh\n"+script, 0o755)
		f := &Facts{Executor: locate(path)}
		f.askExecutor(t.Context())
		return f
	}
	f := ask("echo bookend-exec version 1.0.0; echo runc: 1.5.2; echo libseccomp: 2.5.4\n")
	if f.Executor.Err != nil || f.Executor.Version.Text != "1.0.0" || f.Compiler.Runc.Text != "1.5.2" || f.Compiler.Libseccomp != "2.5.4" {
		t.Errorf("got %+v of %+v", f.Compiler, f.Executor)
	}
	f = ask("echo bookend-exec version 1.0.0; echo runc: unknown; echo libseccomp: none\n")
	if f.Executor.Err != nil || f.Compiler != (Libraries{Libseccomp: "none"}) {
		t.Errorf("got %+v of %+v", f.Compiler, f.Executor)
	}
	if f = ask("exit 7\n"); f.Executor.Err == nil || !strings.Contains(f.Executor.Err.Error(), "exit status 7") {
		t.Errorf("got %+v", f.Executor)
	}
}

func TestTheRuntimeIsAskedAsShimsAskIt(t *testing.T) {
	const features = `{"annotations":{"org.opencontainers.runc.version":"1.4.0","io.github.seccomp.libseccomp.version":"2.6.0"}}`
	f := &Facts{Runc: locate(write(t, filepath.Join(t.TempDir(), "runc"), "#!/bin/sh\n[ \"$*\" = features ] && echo '"+features+"'\n", 0o755))}
	f.askRuntime(t.Context())
	if f.IdentityErr != nil || !f.Identity.Plain || f.Identity.Version != "1.4.0" || f.Identity.Libseccomp != "2.6.0" {
		t.Errorf("got %+v, %v", f.Identity, f.IdentityErr)
	}
	f = &Facts{Runc: locate(write(t, filepath.Join(t.TempDir(), "runc"), "#!/bin/sh\nexit 7\n", 0o755))}
	if f.askRuntime(t.Context()); f.IdentityErr == nil {
		t.Errorf("got %+v", f.Identity)
	}
}

func TestTheShimSaysWhetherItHasTheJoiner(t *testing.T) {
	info, err := proto.Marshal(&types.RuntimeInfo{
		Name: hooks.RuntimeType, Version: &types.RuntimeVersion{Version: "1.0.0"},
		Annotations: map[string]string{hooks.JoinerAnnotation: hooks.JoinerReady},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "info"), string(info), 0o600)
	shim := write(t, filepath.Join(dir, "shim"), "#!/bin/sh\nexec cat "+dir+"/info\n", 0o755)
	f := &Facts{Path: []string{"/usr/bin", "/bin"}}
	if p, joiner := f.shimProgram(t.Context(), locate(shim)); p.Err != nil || p.Version.Text != "1.0.0" || joiner != hooks.JoinerReady {
		t.Errorf("got %+v, joiner %q", p, joiner)
	}
}

func TestTheKernelHasAVersion(t *testing.T) {
	if v, err := kernel(); err != nil || v.Older(2, 6) {
		t.Errorf("got %s, %v", v, err)
	}
}
