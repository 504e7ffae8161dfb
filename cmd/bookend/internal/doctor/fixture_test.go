package doctor

import (
	"fmt"

	"github.com/moby/sys/capability"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/distribution"
	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// healthy are the facts of a node where all is well.
func healthy() *Facts {
	const bin, set = "/usr/local/bin/", "/usr/local/lib/bookend/versions/1.0.0-0/"
	v := program.Version{Major: 1, Text: "1.0.0"}
	r := criconfig.Runtime{}.Bookend(bin + hooks.ShimBinary)
	shim := Program{Path: bin + hooks.ShimBinary, Resolved: set + hooks.ShimBinary, Version: v}
	f := &Facts{
		Options: Options{RuntimeName: "bookend", Version: "1.0.0", Distribution: preset(distribution.Plain)},
		Daemon: &daemon.Daemon{
			Process: daemon.Process{PID: 7, Env: map[string]string{"PATH": "/usr/local/bin:/usr/bin"}},
			Version: program.Version{Major: 2, Minor: 4, Patch: 2, Text: "2.4.2"},
			Handlers: map[string]daemon.Handler{
				"bookend": {Type: r.Type, Path: r.Path, PodAnnotations: r.PodAnnotations, ContainerAnnotations: r.ContainerAnnotations},
			},
		},
		CRI:      &criconfig.Config{Path: daemon.MainConfig, Exists: true, Version: 3, Runtimes: map[string]criconfig.Runtime{"bookend": r}},
		Shim:     shim,
		ByName:   shim,
		Executor: Program{Path: set + hooks.ExecBinary, Resolved: set + hooks.ExecBinary, Version: v},
		Joiner:   hooks.JoinerReady,
		Compiler: Libraries{Runc: program.Version{Major: 1, Minor: 5, Patch: 0, Text: "1.5.0"}, Libseccomp: "2.5.4"},
		Runc:     Program{Path: "/usr/bin/runc", Version: program.Version{Major: 1, Minor: 5, Patch: 2, Text: "1.5.2"}},
		Identity: runtime.Identity{Name: "runc", Version: "1.5.2", Libseccomp: "2.5.4", Plain: true},
		Kernel:   program.Version{Major: 5, Minor: 14, Text: "5.14.0"},
		Entry:    hooks.EntryAuto,
		CgroupV2: true, Systemd: true, Capabilities: map[capability.Cap]bool{},
		NodeConfig: NodeConfig{ConfigFile: hooks.LocateConfig("", hooks.ConfigPath), Exists: true},
		RecordsDir: hooks.DefaultRecords().Directory, RecordsMode: 0o700,
	}
	for _, n := range needs() {
		f.Capabilities[n.cap] = true
	}
	return f
}

func preset(name string) distribution.Preset {
	p, ok := distribution.Named(name)
	if !ok {
		panic(name)
	}
	return p
}

// on makes the node one of a distribution that has no runtime of ours.
func (f *Facts) on(name string) {
	delete(f.CRI.Runtimes, "bookend")
	f.Distribution = preset(name)
	f.Address, f.Daemon.Args = f.Distribution.Socket, []string{"containerd", "--config", f.Distribution.Config}
	f.CRI.Path = f.Distribution.Config
}

// edit changes the runtime in the files.
func (f *Facts) edit(change func(*criconfig.Runtime)) {
	r := f.CRI.Runtimes["bookend"]
	change(&r)
	f.CRI.Runtimes["bookend"] = r
}

// dockerOnly makes the node one whose containerd serves no Kubernetes.
func (f *Facts) dockerOnly() {
	clear(f.CRI.Runtimes)
	f.CRI.CRIDisabled = true
	f.Daemon.Handlers, f.Daemon.CRIErr = nil, fmt.Errorf("%w: unknown service", daemon.ErrNoCRI)
}
