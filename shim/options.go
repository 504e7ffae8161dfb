package shim

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/bundle"
)

// nodeConfig is the node's configuration as one Create finds it: read when it
// is first needed, at most once.
type nodeConfig struct {
	load func() (*hooks.Config, error)
	// translate says that the client sent runtimeoptions.v1, so that runc's own
	// options have to come out of the configuration.
	translate bool
	// native says that the client sent runc's own options, which it was given.
	native bool
}

// nodeConfigOf finds the node's configuration from the options of a Create:
// runtimeoptions.v1 names or holds it (what the CRI plugin sends for a runtime
// type it does not know); with runc's options, or none, it is the file of
// $BOOKEND_CONFIG or /etc/bookend/config.toml. Options of any other type are
// refused: the inner service would take the shim down with them.
func nodeConfigOf(opts *anypb.Any) (nodeConfig, error) {
	if opts.GetValue() == nil {
		node := newNodeConfig(nil)
		// Options that all have their defaults are sent as a type alone.
		node.native = typeurl.Is(opts, &options.Options{})
		return node, nil
	}
	v, err := typeurl.UnmarshalAny(opts)
	if err != nil {
		return nodeConfig{}, fmt.Errorf("runtime options: %w", err)
	}
	switch v := v.(type) {
	case *options.Options:
		node := newNodeConfig(nil)
		node.native = !isTasksAlone(v)
		return node, nil
	case *runtimeoptions.Options:
		return newNodeConfig(v), nil
	default:
		return nodeConfig{}, fmt.Errorf("runtime options of type %s: expected %T or %T", opts.GetTypeUrl(), &options.Options{}, &runtimeoptions.Options{})
	}
}

// newNodeConfig is the configuration of a client that sent o; nil: it sent none
// of that type.
func newNodeConfig(o *runtimeoptions.Options) nodeConfig {
	load := func() (*hooks.Config, error) { return loadOptions(o) }
	return nodeConfig{load: sync.OnceValues(load), translate: o != nil}
}

// config returns the configuration. One that cannot be read is the default: that is
// told where it matters.
func (n nodeConfig) config() *hooks.Config {
	cfg, err := n.load()
	if err != nil {
		return hooks.DefaultConfig()
	}
	return cfg
}

// runcOptions returns the options for the inner service: those that came, or
// the configuration's where the client sent runtimeoptions.v1.
func (n nodeConfig) runcOptions(opts *anypb.Any) (*anypb.Any, error) {
	if !n.translate {
		return opts, nil
	}
	cfg := n.config()
	return typeurl.MarshalAnyToProto(&options.Options{
		BinaryName:    cfg.Runc.BinaryName,
		Root:          cfg.Runc.Root,
		SystemdCgroup: cfg.Runc.SystemdCgroup,
	})
}

// isTasksAlone tells of options that hold nothing but what is of one task: the owner of
// its streams, in a user namespace, or the checkpoint that it is restored from. A client
// of containerd's makes them, whatever the runtime, where it was given none
// (client/task_opts.go and task_opts_unix.go).
func isTasksAlone(o *options.Options) bool {
	return proto.Equal(o, &options.Options{IoUid: o.GetIoUid(), IoGid: o.GetIoGid(), CriuImagePath: o.GetCriuImagePath()})
}

// createOptions is runcOptions for the container of a bundle. A client that sends
// none of runc's options cannot say who makes cgroups: systemd does, where it runs and
// the container's is named as systemd's are, slice:prefix:name, which runc would else
// take for a directory.
func (n nodeConfig) createOptions(opts *anypb.Any, bundleDir string, systemd bool) (*anypb.Any, error) {
	opts, err := n.runcOptions(opts)
	if err != nil || n.native || !systemd {
		return opts, err
	}
	path, err := bundle.ReadCgroupsPath(bundleDir)
	if err != nil || !systemdPath(path) {
		return opts, nil //nolint:nilerr // the runtime says in its own words what is wrong with the file
	}
	runc := &options.Options{}
	if opts.GetValue() != nil {
		if err := typeurl.UnmarshalTo(opts, runc); err != nil {
			return nil, err
		}
	}
	runc.SystemdCgroup = true
	return typeurl.MarshalAnyToProto(runc)
}

// systemdRuns tells whether the node's init is systemd, as runc does: where it is not,
// runc's systemd driver refuses every container.
func systemdRuns() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// systemdPath tells whether a cgroup's path is one that runc's systemd driver reads, by
// docs/systemd.md of runc: a slice, which may be empty, a prefix and a name.
func systemdPath(path string) bool {
	slice, rest, _ := strings.Cut(path, ":")
	return (slice == "" || strings.HasSuffix(slice, ".slice")) && !strings.Contains(slice, "/") && strings.Count(rest, ":") == 1
}

func loadOptions(o *runtimeoptions.Options) (*hooks.Config, error) {
	if body := o.GetConfigBody(); o.GetConfigPath() == "" && len(body) > 0 {
		return hooks.ParseConfig(body, "runtime options")
	}
	cfg, _, err := hooks.LocateConfig(o.GetConfigPath(), os.Getenv(hooks.ConfigEnv)).Load()
	return cfg, err
}
