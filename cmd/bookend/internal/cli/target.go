package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/cmd/internal/program"
)

// addressEnv names containerd's socket, as for ctr and nerdctl.
const addressEnv = "CONTAINERD_ADDRESS"

// containerdSocket is the path of containerd's socket: the one that is named,
// else the environment's, else the usual one.
func containerdSocket(named string) string {
	return strings.TrimPrefix(cmp.Or(named, os.Getenv(addressEnv), daemon.Socket), "unix://")
}

// target is the containerd that an installation is for.
type target struct {
	address string // of its socket; empty: not named
	binary  string
	config  string // its main file; empty: not named
	restart string // what makes it read that again
}

func (t *target) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.address, "address", "", "socket of the containerd to configure (default $"+addressEnv+", else "+daemon.Socket+")")
	f.StringVar(&t.config, "containerd-config", "", "containerd's main configuration file (default the one that the daemon was started with, else "+daemon.MainConfig+")")
	f.StringVar(&t.binary, "containerd", "containerd", "containerd's binary, asked for its version if no daemon answers")
}

// socket is that of the daemon to ask, and whether someone named it. It is empty
// where only a file is named, which may be another daemon's than the usual one's.
func (t *target) socket() (path string, named bool) {
	named = t.address != "" || os.Getenv(addressEnv) != ""
	if !named && t.config != "" {
		return "", false
	}
	return containerdSocket(t.address), named
}

// find sets the main file and how to restart, and asks the daemon for its version
// or, where no daemon answers, the binary. A daemon that is named has to answer,
// unless its file is named as well; the usual one need not run yet.
func (t *target) find(ctx context.Context) (v program.Version, versionErr, err error) {
	socket, named := t.socket()
	var d *daemon.Daemon
	if socket != "" {
		if d, err = daemon.Find(ctx, socket); err != nil && named && t.config == "" {
			return v, nil, fmt.Errorf("which file the containerd at %s reads cannot be asked: %w: start it, or name the file (--containerd-config)", socket, err)
		}
	}
	t.restart, _ = daemon.Restart(d, socket)
	if d != nil {
		return d.Version, nil, t.configOf(d)
	}
	v, versionErr = program.VersionOf(ctx, t.binary)
	return v, versionErr, t.configOf(nil)
}

// configOf sets the main file to that of a daemon, nil for none, unless it is
// named.
func (t *target) configOf(d *daemon.Daemon) error {
	t.config = cmp.Or(t.config, d.MainConfig())
	return absolute(&t.config)
}

// runtimeNameFlag is the name of the runtime.
func runtimeNameFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "runtime-name", install.DefaultRuntime, "name of the runtime in containerd's configuration, which a RuntimeClass calls its handler")
}

// handlerName is what Kubernetes takes for a RuntimeClass's handler.
var handlerName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func checkRuntimeName(name string) error {
	if !handlerName.MatchString(name) {
		return &usageError{fmt.Errorf("--runtime-name %q: must be at most 63 lower-case letters, digits and '-', as the handler of a RuntimeClass", name)}
	}
	return nil
}
