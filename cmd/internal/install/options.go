package install

import (
	"path/filepath"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/distribution"
	"bookend.dev/bookend/hooks"
)

// binaries are a set, in the order of placing; linked are those that are linked
// to from the directory for binaries.
func binaries() []string { return []string{hooks.ExecBinary, hooks.ShimBinary, hooks.CommandBinary} }
func linked() []string   { return []string{hooks.ShimBinary, hooks.CommandBinary} }

// The oldest containerd that can start the shim.
const (
	NeedMajor = 1
	NeedMinor = 7
)

// Options of an installation. Paths are absolute.
type Options struct {
	From             string // directory of the new binaries
	Opened           *Set   // those of From, where it cannot be reached; nil: it can
	BinDir           string // where the links go
	LibDir           string // where the binaries and the state go
	ContainerdConfig string // containerd's main file
	RuntimeName      string // the handler's name
	// OldContainerd says that the node's containerd is known to be before 2.0, or
	// that it is not known and its configuration is of a version that one could
	// have: no drop-in is used then, unless the distribution merges it.
	OldContainerd func(configVersion int) bool
	Merging       criconfig.Merging // of its files
	Preset        distribution.Preset
	EditConfig    bool // change files of containerd's that are there, if needed
	BinariesOnly  bool // leave containerd's configuration alone
	Prune         bool // remove sets of binaries that nothing uses
	// InPlace leaves the binaries in From, where BinDir has links to them already.
	InPlace bool
	// Restart is what makes containerd read its files again, for the day of the
	// removal.
	Restart string
}

// Where an installation's links are, and what its runtime is called, unless flags
// say otherwise.
const (
	DefaultBinDir  = "/usr/local/bin"
	DefaultRuntime = "bookend"
)

// DefaultLibDir is where an installation's binaries are unless a flag says
// otherwise.
func DefaultLibDir(bin string) string { return filepath.Join(bin, "..", "lib", "bookend") }

// LibDirOf is the directory of the installation that a binary is of; empty: of
// none.
func LibDirOf(binary string) string {
	if filepath.Dir(binary) == PackageDir {
		return PackageLibDir
	}
	versions := filepath.Dir(filepath.Dir(binary))
	if filepath.Base(versions) != versionsName {
		return ""
	}
	return filepath.Dir(versions)
}

// shimPath is what containerd is told to start.
func (o Options) shimPath() string { return filepath.Join(o.BinDir, hooks.ShimBinary) }

// Loaded tells whether the shim that a daemon has loaded the runtime with is an
// installation's.
func (o Options) Loaded(shim string) bool { return filepath.Clean(shim) == o.shimPath() }

const versionsName = "versions"

func (o Options) versionsDir() string { return filepath.Join(o.LibDir, versionsName) }
func (o Options) originals() string   { return filepath.Join(o.LibDir, "original") }
