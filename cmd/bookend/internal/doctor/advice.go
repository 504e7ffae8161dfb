package doctor

import (
	"cmp"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/distribution"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/hooks"
)

// install is the command that puts in place what is missing: binaries alone
// where the runtime is configured, perhaps by hand, or needs not be. They have to
// be named, because those of the command that is installed may be what is wrong.
func (f *Facts) install() string {
	if _, ok := f.runtime(); !ok && !f.byTypeAlone() {
		return f.configure()
	}
	if f.libDir() == install.PackageLibDir {
		return "install the package bookend again"
	}
	args := append([]string{"bookend install --binaries-only"}, f.dirFlags()...)
	return strings.Join(args, " ") + " --from DIR, a directory with the binaries of a release"
}

// configure is the command that puts the binaries and the runtime in place, or what
// has to be done where no command can.
func (f *Facts) configure() string {
	flags := strings.Join(f.dirFlags(), " ")
	switch d := f.Distribution; {
	case f.Written != "":
		return f.restart()
	case d.How == distribution.ReadOnly:
		return d.Advice
	case d.How == distribution.InNodeConfig:
		return strings.TrimSpace("put what bookend install --print nodeconfig prints into the NodeConfig of your nodes, and on each of them run bookend install --binaries-only " + flags)
	}
	args := append([]string{"bookend install --edit-config"}, f.dirFlags()...)
	if f.DistributionNamed {
		args = append(args, "--distribution "+f.Distribution.Name)
	}
	switch path := f.mainConfig(); {
	case f.ContainerdConfig == "" && f.otherDaemon():
		args = append(args, "--address "+f.Address)
	case path != cmp.Or(f.Distribution.Config, daemon.MainConfig):
		args = append(args, "--containerd-config "+path)
	}
	if f.RuntimeName != install.DefaultRuntime {
		args = append(args, "--runtime-name "+f.RuntimeName)
	}
	restart, command := daemon.Restart(f.Daemon, f.Address, f.usual())
	then := ", then "
	if command {
		then = " && "
	}
	return strings.Join(args, " ") + then + restart
}

// dirFlags are the flags for the directories of the installation, where they are
// not the usual ones.
func (f *Facts) dirFlags() (flags []string) {
	bin, lib := f.binDir(), f.libDir()
	if bin != install.DefaultBinDir {
		flags = append(flags, "--bin-dir "+bin)
	}
	if lib != install.DefaultLibDir(bin) {
		flags = append(flags, "--lib-dir "+lib)
	}
	return flags
}

// binDir is the directory of the installation's links: the one that is named,
// that of the runtime's shim, or the usual one.
func (f *Facts) binDir() string {
	of := ""
	if r, ok := f.runtime(); ok && filepath.Base(r.Path) == hooks.ShimBinary {
		of = filepath.Dir(r.Path)
	}
	return cmp.Or(f.BinDir, of, install.DefaultBinDir)
}

// libDir is the directory of the installation's binaries: the one that is named,
// the one that the shim lies in, or the usual one.
func (f *Facts) libDir() string {
	of := ""
	if filepath.Dir(f.Shim.Path) == f.binDir() {
		of = install.LibDirOf(f.Shim.Resolved)
	}
	return cmp.Or(f.LibDir, of, install.DefaultLibDir(f.binDir()))
}

// restart is what makes containerd read its files again.
func (f *Facts) restart() string {
	what, _ := daemon.Restart(f.Daemon, f.Address, f.usual())
	return what
}

// usual is the containerd of the distribution.
func (f *Facts) usual() daemon.Usual {
	return daemon.Usual{Socket: f.Distribution.Socket, Unit: f.Distribution.Unit("/")}
}

// start is what makes containerd run.
func (f *Facts) start() string {
	if f.otherDaemon() {
		return "start the containerd of " + f.Address
	}
	return "systemctl start " + cmp.Or(f.usual().Unit, daemon.Unit)
}

// otherDaemon tells whether a containerd is meant that is not the usual one.
func (f *Facts) otherDaemon() bool {
	return f.Address != "" && f.Address != cmp.Or(f.Distribution.Socket, daemon.Socket)
}
