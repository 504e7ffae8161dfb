package doctor

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/sys/capability"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/distribution"
	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

// Options say where to look.
type Options struct {
	Address          string // containerd's socket
	Containerd       string // its binary, where it does not run
	ContainerdConfig string // its main file; empty: the one that it runs with
	RuntimeName      string
	// BinDir and LibDir are the installation's, those of its links and of its
	// binaries; empty: those that the runtime leads to.
	BinDir, LibDir string
	NodeConfig     string // bookend's own file; empty: the one that shims read
	Version        string // of this command

	// Distribution is whose containerd it is. Where only the containerd's address is
	// named, its main file tells.
	Distribution      distribution.Preset
	DistributionNamed bool   // by a person
	Found             string // how it was found, for people
	Several           error  // why it cannot be told
}

// Facts are what was found. A field with an error beside it is set where that
// is nil.
type Facts struct {
	Options

	Daemon    *daemon.Daemon // nil: none answers
	DaemonErr error
	Installed program.Version   // of the binary, where no daemon answers
	CRI       *criconfig.Config // empty where it cannot be read
	CRIErr    error
	// Written is the file that says something of the runtime, and that the main file
	// is made of at the next start; empty: there is none.
	Written string

	Path []string // where containerd looks for programs; a guess if it does not run
	Shim Program  // that of the runtime, or the one on PATH where there is none
	// ByName is the shim that io.containerd.bookend.v2 leads to.
	ByName   Program
	Joiner   string  // what the shim says of it; empty: nothing
	Executor Program // beside the shim
	Compiler Libraries
	Runc     Program // the runtime of containers, whatever its name is
	// Identity is what it says of itself, as shims ask it.
	Identity    runtime.Identity
	IdentityErr error

	Kernel    program.Version
	KernelErr error

	CgroupV2, Freezer bool
	Systemd           bool                    // it runs here
	Capabilities      map[capability.Cap]bool // those of containerd, or of this process

	NodeConfig  NodeConfig
	Entry       string // how it wants exec hooks to get into containers
	RecordsDir  string
	RecordsErr  error // why no records can be written there
	RecordsMode os.FileMode
}

// Program is a binary.
type Program struct {
	Path     string // as it is named; empty: not looked for, or not found by name
	Resolved string // without symbolic links
	Version  program.Version
	Err      error
}

// Libraries are those of an executor; an empty one is not known.
type Libraries struct {
	Runc       program.Version
	Libseccomp string
}

// NodeConfig is bookend's own configuration; where there is an error or no file,
// the default holds.
type NodeConfig struct {
	hooks.ConfigFile
	Exists bool
	Err    error
}

// Gather looks at the node. Nothing is changed.
func Gather(ctx context.Context, opts Options) *Facts {
	f := &Facts{Options: opts}
	if f.Daemon, f.DaemonErr = daemon.Find(ctx, opts.Address); f.DaemonErr != nil {
		f.Installed, _ = program.VersionOf(ctx, opts.Containerd)
	}
	if opts.Distribution.Name == distribution.Plain && !opts.DistributionNamed && opts.Several == nil {
		f.Distribution = distribution.Of(ctx, "/", f.mainConfig())
	}
	if f.Path = filepath.SplitList(f.env("PATH")); f.Daemon == nil {
		f.Path = append(slices.Clone(f.Distribution.Programs), f.Path...)
	}
	if f.CRI, f.CRIErr = criconfig.Read(ctx, f.mainConfig(), criconfig.MergingOf(f.version())); f.CRIErr != nil {
		f.CRI = &criconfig.Config{}
	}
	f.Written = f.written()
	node, runc := f.readNode()
	f.Entry = node.Exec.Entry
	f.findBinaries(ctx, runc)
	f.Kernel, f.KernelErr = kernel()
	f.CgroupV2, f.Freezer = cgroups("/sys/fs/cgroup", "/proc/self/mountinfo")
	_, err := os.Stat("/run/systemd/system")
	f.Systemd = err == nil
	f.Capabilities = capabilitiesOf(f.pid())
	f.RecordsDir = node.Records.Directory
	f.RecordsMode, f.RecordsErr = writable(f.RecordsDir)
	return f
}

// version is that of the daemon, or of the binary where none answers.
func (f *Facts) version() program.Version {
	if f.Daemon != nil {
		return f.Daemon.Version
	}
	return f.Installed
}

// env is a variable that shims inherit; a guess where containerd does not run.
func (f *Facts) env(name string) string {
	if f.Daemon != nil {
		return f.Daemon.Env[name]
	}
	return os.Getenv(name)
}

// mainConfig is containerd's main file.
func (f *Facts) mainConfig() string {
	return cmp.Or(f.ContainerdConfig, f.Daemon.MainConfig(cmp.Or(f.Distribution.Config, daemon.MainConfig)))
}

// pid is containerd's process, or this one.
func (f *Facts) pid() int {
	if f.Daemon != nil {
		return f.Daemon.PID
	}
	return os.Getpid()
}

// runtime is the runtime as it is configured in files.
func (f *Facts) runtime() (criconfig.Runtime, bool) {
	r, ok := f.CRI.Runtimes[f.RuntimeName]
	return r, ok
}

// byTypeAlone tells whether the node is one without the CRI plugin, where ctr,
// nerdctl and Docker find the shim by its type and hand over all annotations.
func (f *Facts) byTypeAlone() bool {
	_, ok := f.runtime()
	return !ok && f.CRI.CRIDisabled
}
