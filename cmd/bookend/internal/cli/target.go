package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/distribution"
	"bookend.dev/bookend/cmd/internal/install"
	"bookend.dev/bookend/cmd/internal/program"
)

// addressEnv names containerd's socket, as for ctr and nerdctl.
const addressEnv = "CONTAINERD_ADDRESS"

// containerdSocket is the path of containerd's socket: the one that is named,
// else the environment's, else the usual one.
func containerdSocket(named, usual string) string {
	return strings.TrimPrefix(cmp.Or(named, os.Getenv(addressEnv), usual), "unix://")
}

// usualSocket is that of the node's one containerd; of several, plain
// containerd's.
func usualSocket(ctx context.Context) string {
	if found := distribution.Detect(ctx, "/"); len(found) == 1 {
		return found[0].Socket
	}
	return daemon.Socket
}

// target is the containerd that a command is for.
type target struct {
	address string // of its socket; empty: not named
	binary  string
	config  string // its main file; empty: not named
	name    string // of its distribution; empty: not named
	root    string // of the node's files
	any     bool   // nothing of containerd is to be changed: which one it is does not matter

	distribution.Preset
	found string // how the distribution was found, for people; empty: no guess was made
}

func (t *target) flags(cmd *cobra.Command) {
	t.root = "/"
	f := cmd.Flags()
	f.StringVar(&t.address, "address", "", "containerd's socket (default $"+addressEnv+", else that of the distribution)")
	f.StringVar(&t.config, "containerd-config", "", "containerd's main configuration file (default the one that the daemon was started with, else that of the distribution)")
	f.StringVar(&t.binary, "containerd", "containerd", "containerd's binary, asked for its version if no daemon answers")
	command.ChoiceFlag(cmd, "distribution", "whose containerd it is (default the one that is found here): "+strings.Join(distribution.Names(), ", "), distribution.Names(),
		func(s string) { t.name = s })
}

// named tells whether someone named the containerd, by its socket.
func (t *target) named() bool { return t.address != "" || os.Getenv(addressEnv) != "" }

// choose finds the distribution unless the containerd is named, whose main file
// tells it, and makes paths absolute. It fails where there are several, unless any
// will do: then it chooses none of them.
func (t *target) choose(ctx context.Context) error {
	t.address = strings.TrimPrefix(t.address, "unix://")
	if err := absolute(&t.config, &t.address); err != nil {
		return err
	}
	t.Preset, _ = distribution.Named(cmp.Or(t.name, distribution.Plain))
	switch {
	case t.name != "":
	case t.config != "":
		t.of(ctx, t.config)
	case !t.named():
		return t.detect(ctx)
	}
	return nil
}

// of makes the distribution that of a main file.
func (t *target) of(ctx context.Context, main string) {
	if t.Preset = distribution.Of(ctx, t.root, main); t.Name != distribution.Plain {
		t.found = "found by its main file"
	}
}

func (t *target) detect(ctx context.Context) error {
	found := distribution.Detect(ctx, t.root)
	if len(found) > 1 && t.any {
		return nil
	}
	if len(found) > 1 {
		var names []string
		for _, f := range found {
			names = append(names, fmt.Sprintf("%s (%s, socket %s)", f.Name, f.By, f.Socket))
		}
		return fmt.Errorf("%w: %s: name one of them (--distribution or --address)", errSeveral, strings.Join(names, ", "))
	}
	t.found = "as no file tells of another"
	if len(found) == 1 {
		t.Preset, t.found = found[0].Preset, "found by "+found[0].By
	}
	return nil
}

// socket is that of the daemon to ask. It is empty where only a file is named,
// which may be another daemon's than the usual one's.
func (t *target) socket() string {
	if !t.named() && t.config != "" {
		return ""
	}
	return containerdSocket(t.address, t.Socket)
}

// find chooses, sets the main file, and asks the daemon for its version or, where
// no daemon answers, the binary. A daemon that is named has to answer, unless
// its file is named as well; the usual one need not run yet.
func (t *target) find(ctx context.Context) (d *daemon.Daemon, v program.Version, versionErr, err error) {
	if err := t.choose(ctx); err != nil {
		return nil, v, nil, err
	}
	if socket := t.socket(); socket != "" {
		if d, err = daemon.Find(ctx, socket); err != nil && t.named() && t.config == "" {
			return nil, v, nil, fmt.Errorf("which file the containerd at %s reads cannot be asked: %w: start it, or name the file (--containerd-config)", socket, err)
		}
	}
	t.ofDaemon(ctx, d)
	if d != nil {
		return d, d.Version, nil, nil
	}
	v, versionErr = program.VersionOf(ctx, t.binary)
	return nil, v, versionErr, nil
}

// ofDaemon sets the main file, unless it is named, to that of a daemon, nil for
// none; and the distribution of a daemon that is named alone.
func (t *target) ofDaemon(ctx context.Context, d *daemon.Daemon) {
	if t.name == "" && t.config == "" && t.named() {
		t.of(ctx, d.MainConfig(t.Config))
	}
	t.config = cmp.Or(t.config, d.MainConfig(t.Config))
}

// restart is what makes the containerd read its files again.
func (t *target) restart(d *daemon.Daemon) string {
	what, _ := daemon.Restart(d, t.socket(), daemon.Usual{Socket: t.Socket, Unit: t.Unit(t.root)})
	return what
}

// say is how the distribution was found; empty where that needs no word.
func (t *target) say() string {
	if t.found == "" {
		return ""
	}
	return fmt.Sprintf("Distribution: %s, %s. Main file: %s.\n", t.Name, t.found, t.config)
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
