package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"
	"k8s.io/client-go/metadata"

	"bookend.dev/bookend/cmd/bookend-node/internal/nodeinstall"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

// installFlags are those of the part of the agent that installs.
type installFlags struct {
	on             bool
	restart        string
	namespace, pod string
	host           nodeinstall.Host
}

func (f *installFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "install", false, "install bookend on this node, and remove it when the DaemonSet is deleted")
	fs.StringVar(&f.host.Root, "host-root", "/host", "with --install: the node's root directory")
	fs.StringVar(&f.host.From, "from", "", "with --install: directory of bookend, bookend-exec and the shim (default that of this command)")
	fs.StringVar(&f.host.Distribution, "distribution", "", "with --install: whose containerd it is, as for bookend install (default the one that is found)")
	fs.StringVar(&f.host.RuntimeName, "runtime-name", "bookend", "with --install: name of the runtime in containerd's configuration, a RuntimeClass's handler")
	fs.StringVar(&f.host.BinDir, "bin-dir", "", "with --install: the node's directory of links, as for bookend install")
	fs.StringVar(&f.host.LibDir, "lib-dir", "", "with --install: the node's directory of binaries, as for bookend install")
	fs.StringVar(&f.restart, "restart", "auto", "with --install: how containerd is restarted when its configuration has changed: systemd:UNIT, exec:COMMAND in the node's root, none, or auto for the unit that runs it")
	fs.StringVar(&f.namespace, "pod-namespace", os.Getenv("POD_NAMESPACE"), "with --install: this agent's namespace (default $POD_NAMESPACE)")
	fs.StringVar(&f.pod, "pod-name", os.Getenv("POD_NAME"), "with --install: this agent's pod, whose DaemonSet tells of a removal (default $POD_NAME)")
}

// installPart is the one that changes the node.
func installPart(o agentOptions, log *slog.Logger) (part, error) {
	f := o.install
	restarter, err := nodeinstall.ParseRestart(f.restart)
	if err != nil {
		return nil, fmt.Errorf("--restart: %w", err)
	}
	if f.pod == "" || f.namespace == "" {
		return nil, errors.New("--install: the name or namespace of this pod is unknown: set --pod-name and --pod-namespace, or POD_NAME and POD_NAMESPACE")
	}
	if f.host.From == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		f.host.From = filepath.Dir(self)
	}
	config, err := apiConfig(o)
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	api, errAPI := kubeclient.New(config)
	meta, errMeta := metadata.NewForConfig(config)
	if err := errors.Join(errAPI, errMeta); err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	return nodeinstall.New(nodeinstall.Options{
		API: api, Metadata: meta, Node: o.node, Namespace: f.namespace, Pod: f.pod,
		Host: f.host, Restarter: restarter, State: o.state, Log: log,
	}).Run, nil
}
