package harness

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// PauseImage is the image of every pod's sandbox.
const PauseImage = "bookend.dev/test/pause:1"

// config renders containerd's configuration: everything that containerd keeps
// by default in a shared place is below the daemon's own directory, and what no
// test looks at is switched off.
func (d *Daemon) config(opts Options) ([]byte, error) {
	runtimes := map[string]any{}
	for _, h := range opts.Handlers {
		runtimes[h.Name] = h.table(d.RecordsDir())
	}
	conf := map[string]any{
		"version": d.release.ConfigVersion(),
		"root":    d.Path("root"),
		"state":   d.Path("state"),
	}
	disabled := []string{"io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"}
	plugins := map[string]any{
		"io.containerd.internal.v1.opt":         map[string]any{"path": d.Path("opt")},
		"io.containerd.nri.v1.nri":              d.nriConfig(opts),
		"io.containerd.gc.v1.scheduler":         map[string]any{"deletion_threshold": 1},
		"io.containerd.metadata.v1.bolt":        map[string]any{"no_sync": true},
		"io.containerd.runtime.v2.task":         map[string]any{"platforms": []string{"linux/amd64", "linux/arm64"}},
		"io.containerd.service.v1.diff-service": map[string]any{"sync_fs": false},
	}
	if d.release.Before(2, 3) {
		conf["grpc"] = map[string]any{"address": d.Address()}
		conf["ttrpc"] = map[string]any{"address": d.Address() + ".ttrpc"}
	} else {
		plugins["io.containerd.server.v1.grpc"] = map[string]any{"address": d.Address()}
		plugins["io.containerd.server.v1.ttrpc"] = map[string]any{"address": d.Address() + ".ttrpc"}
		// Shims that an older release started have their sockets in the usual place, where
		// a newer one looks for them.
		if !d.first.Before(2, 3) {
			plugins["io.containerd.shim.v1.manager"] = map[string]any{"socket_dir": d.Path("s")}
		}
		disabled = append(disabled, "io.containerd.image-verifier.v1.bindir") // older ones need it
	}
	cri := map[string]any{"stream_server_address": "127.0.0.1"}
	plugins["io.containerd.grpc.v1.cri"] = cri
	if d.release.Before(2, 0) { // one plugin for all of CRI
		maps.Copy(cri, d.runtimeConfig(opts, runtimes))
		cri["containerd"].(map[string]any)["snapshotter"] = d.snapshotter
		cri["sandbox_image"] = PauseImage
		cri["registry"] = map[string]any{"config_path": d.Path("registry")}
	} else {
		plugins["io.containerd.cri.v1.images"] = d.imagesConfig()
		plugins["io.containerd.cri.v1.runtime"] = d.runtimeConfig(opts, runtimes)
		plugins["io.containerd.transfer.v1.local"] = map[string]any{"config_path": d.Path("registry")}
	}
	conf["plugins"], conf["disabled_plugins"] = plugins, disabled
	conf["timeouts"] = timeouts()
	if opts.Imports != nil {
		conf["imports"] = opts.Imports
	}
	return toml.Marshal(conf)
}

// timeouts are containerd's own for shims, as long as a machine like this one needs.
func timeouts() map[string]any {
	table := map[string]any{}
	for name, limit := range map[string]time.Duration{"shim.cleanup": 5 * time.Second, "shim.load": 5 * time.Second, "shim.shutdown": 3 * time.Second, "task.state": 2 * time.Second} {
		table["io.containerd.timeout."+name] = Scaled(limit).String()
	}
	return table
}

// nriConfig has no plugins of the machine's started.
func (d *Daemon) nriConfig(opts Options) map[string]any {
	return map[string]any{
		"disable":            !opts.NRI,
		"socket_path":        d.NRISocket(),
		"plugin_path":        d.Path("nri", "plugins"),
		"plugin_config_path": d.Path("nri", "conf.d"),
	}
}

func (d *Daemon) imagesConfig() map[string]any {
	return map[string]any{
		"snapshotter":   d.snapshotter,
		"pinned_images": map[string]any{"sandbox": PauseImage},
		"registry":      map[string]any{"config_path": d.Path("registry")},
	}
}

func (d *Daemon) runtimeConfig(opts Options, runtimes map[string]any) map[string]any {
	cni := map[string]any{
		"conf_dir":              filepath.Dir(d.cniConfig()),
		"use_internal_loopback": true,
	}
	if d.release.Before(2, 2) {
		cni["bin_dir"] = d.bins.Tools
	} else {
		cni["bin_dirs"] = []string{d.bins.Tools}
	}
	return map[string]any{
		// Without CAP_SYS_RESOURCE no process may lower an oom_score_adj.
		"restrict_oom_score_adj":       true,
		"netns_mounts_under_state_dir": true,
		"cdi_spec_dirs":                []string{},
		"enable_criu":                  false,
		"containerd": map[string]any{
			"default_runtime_name": opts.Handlers[0].Name,
			"runtimes":             runtimes,
		},
		"cni": cni,
	}
}

// configure writes what containerd and its shims read, and sets their environment.
func (d *Daemon) configure(opts Options) error {
	if err := d.configureContainerd(opts); err != nil {
		return err
	}
	if err := d.SetBookendConfig(opts.BookendConfig); err != nil {
		return err
	}
	if err := d.writeCNIConfig(opts.HostPorts); err != nil {
		return err
	}
	return os.Mkdir(d.Path("tmp"), 0o700)
}

// configureContainerd does so for what differs from one release of containerd to
// another.
func (d *Daemon) configureContainerd(opts Options) error {
	conf, err := d.config(opts)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(d.ConfigPath()), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(d.ConfigPath(), conf, 0o600); err != nil {
		return err
	}
	d.args = []string{"--config", d.ConfigPath()}
	if opts.Debug {
		d.args = append(d.args, "--log-level", "debug")
	}
	system := []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	d.env = append([]string{
		"PATH=" + strings.Join(append(append([]string{}, opts.Path...), system...), ":"),
		"BOOKEND_CONFIG=" + d.Path("bookend.toml"),
		d.Mark(),
		"HOME=/root",
		"TMPDIR=" + d.Path("tmp"),
	}, opts.Env...)
	return nil
}

// RecordsDir is the directory of this daemon's records, in place of the
// machine's.
func (d *Daemon) RecordsDir() string { return d.Path("records") }

// SetBookendConfig replaces the content of the file that BOOKEND_CONFIG names.
// What [Options.BookendConfig] says of records holds here too.
func (d *Daemon) SetBookendConfig(content string) error {
	if !strings.Contains(content, "[records]") {
		content += "\n[records]\ndirectory = '" + d.RecordsDir() + "'\n"
	}
	tmp := d.Path("bookend.toml.new")
	if err := os.WriteFile(tmp, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, d.Path("bookend.toml"))
}
