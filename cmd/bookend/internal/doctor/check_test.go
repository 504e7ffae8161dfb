package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/sys/capability"

	"bookend.dev/bookend/cmd/internal/criconfig"
	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/cmd/internal/program"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
)

func TestAHealthyNodePasses(t *testing.T) {
	results := Examine(healthy())
	for _, r := range results {
		if r.Status != Pass || r.Fix != "" || r.Found == "" || r.Check == "" {
			t.Errorf("got %+v", r)
		}
	}
	if Failed(results) {
		t.Error("it is said to fail")
	}
}

func TestANodeWithoutTheCRIPluginDoesNotFail(t *testing.T) {
	f := healthy()
	f.dockerOnly()
	if results := Examine(f); Failed(results) {
		t.Errorf("got %+v", results)
	}
}

var errBroken = errors.New("broken")

func TestEveryFaultIsFoundByItsCheck(t *testing.T) {
	version := func(text string) program.Version {
		v, err := program.ParseVersion(text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		check, fault string
		spoil        func(*Facts)
		want         Status
		found, fix   string
	}{
		{"distribution", "several", func(f *Facts) { f.Several = errBroken }, Warning, "broken", "bookend doctor --distribution NAME"},
		{"distribution", "found", func(f *Facts) { f.on("k0s"); f.Found = "found by /x" }, Pass, "k0s, found by /x, main file /etc/k0s/containerd.toml", ""},
		{"distribution", "named", func(f *Facts) { f.on("k3s"); f.DistributionNamed = true }, Pass, "k3s, which was named", ""},
		{"distribution", "read-only", func(f *Facts) { f.on("talos") }, Warning, "talos cannot be changed", "system extension"},

		{"containerd", "does not run", func(f *Facts) { f.Daemon, f.DaemonErr = nil, syscall.ECONNREFUSED }, Fail, "(it is not installed): connection refused", "systemctl start containerd"},
		{"containerd", "does not run on MicroK8s", func(f *Facts) { f.on("microk8s"); f.Daemon, f.DaemonErr = nil, syscall.ECONNREFUSED }, Fail, "refused", "systemctl start snap.microk8s.daemon-containerd"},
		{"containerd", "does not run elsewhere", func(f *Facts) { f.Daemon, f.DaemonErr, f.Address = nil, syscall.ECONNREFUSED, "/x.sock" }, Fail, "refused", "start the containerd of /x.sock"},
		{"containerd", "not ours to ask", func(f *Facts) { f.Daemon, f.DaemonErr, f.Installed = nil, syscall.EACCES, version("2.4.2") }, Fail, "(2.4.2 is installed)", "as root"},
		{"containerd", "old", func(f *Facts) { f.Daemon.Version = version("1.6.20") }, Fail, "1.6.20 cannot start this shim", "1.7 or newer"},
		{"containerd", "oldest", func(f *Facts) { f.Daemon.Version = version("1.7.3") }, Pass, "version 1.7.3", ""},

		{"runtime", "no file", func(f *Facts) { f.CRI, f.CRIErr = &criconfig.Config{}, errBroken }, Fail, "broken", "configuration"},
		{"runtime", "none", func(f *Facts) { delete(f.CRI.Runtimes, "bookend") }, Fail, `no runtime "bookend"`, "bookend install --edit-config && systemctl restart containerd"},
		{"runtime", "none elsewhere", func(f *Facts) { f.RuntimeName, f.ContainerdConfig = "other", "/x.toml" }, Fail, `no runtime "other"`, "--containerd-config /x.toml --runtime-name other"},
		{"runtime", "none of another installation", func(f *Facts) {
			delete(f.CRI.Runtimes, "bookend")
			f.BinDir, f.LibDir = "/opt/b/bin", "/opt/x"
		}, Fail, "no runtime", "bookend install --edit-config --bin-dir /opt/b/bin --lib-dir /opt/x && systemctl restart containerd"},
		{"runtime", "none of another containerd", func(f *Facts) {
			delete(f.CRI.Runtimes, "bookend")
			f.Address, f.BinDir, f.LibDir = "/run/k3s/containerd/containerd.sock", "/opt/b/bin", "/opt/b/lib/bookend"
			f.Daemon.Unit, f.Daemon.Args = "k3s", []string{"containerd", "-c", "/k3s.toml"}
		}, Fail, "no runtime", "bookend install --edit-config --bin-dir /opt/b/bin --address /run/k3s/containerd/containerd.sock && systemctl restart k3s"},
		{"runtime", "none, and no unit", func(f *Facts) {
			delete(f.CRI.Runtimes, "bookend")
			f.Address = "/x.sock"
		}, Fail, "no runtime", "bookend install --edit-config --address /x.sock, then restart the containerd of /x.sock"},
		{"runtime", "none on k0s", func(f *Facts) { f.on("k0s") }, Fail, "no runtime", "bookend install --edit-config && systemctl restart k0sworker"},
		{"runtime", "none on the one that was named", func(f *Facts) { f.on("rke2"); f.DistributionNamed = true }, Fail, "no runtime", "bookend install --edit-config --distribution rke2 && systemctl restart rke2-server"},
		{"runtime", "none on EKS", func(f *Facts) { f.on("eks") }, Fail, "no runtime", "put what bookend install --print nodeconfig prints into the NodeConfig of your nodes, and on each of them run bookend install --binaries-only"},
		{"runtime", "none on Bottlerocket", func(f *Facts) { f.on("bottlerocket") }, Fail, "no runtime", "build an image of your own"},
		{"runtime", "only in a template", func(f *Facts) { f.on("k3s"); f.Written = "/x.tmpl" }, Fail, `runtime "bookend" is in /x.tmpl, of which /var/lib/rancher/k3s/agent/etc/containerd/config.toml is made at the next start`, "systemctl restart k3s"},
		{"runtime", "no type", func(f *Facts) { f.edit(func(r *criconfig.Runtime) { r.Type = "" }) }, Fail, "no runtime_type", `runtime_type = "io.containerd.runc.v2"`},
		{"runtime", "no plugin", func(f *Facts) { f.dockerOnly() }, Warning, "disables the CRI plugin", "nothing for ctr, nerdctl and Docker; for Kubernetes take the plugin out of disabled_plugins"},
		{"runtime", "no path", func(f *Facts) { f.edit(func(r *criconfig.Runtime) { r.Path = "" }) }, Fail, "the stock shim's", "runtime_path"},
		{"runtime", "by type", func(f *Facts) { f.edit(func(r *criconfig.Runtime) { r.Path, r.Type = "", hooks.RuntimeType }) }, Pass, hooks.RuntimeType, ""},

		{"annotations", "no list", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.PodAnnotations, r.ContainerAnnotations = nil, nil })
		}, Fail, "pod_annotations lacks lifecycle.bookend.dev/* (no hooks run, and nothing says so)", `pod_annotations = ["bookend.dev/*", "lifecycle.bookend.dev/*"] and container_annotations = [`},
		{"annotations", "pods' only", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.PodAnnotations = []string{"mine", "bookend.dev/*"} })
		}, Fail, "pod_annotations lacks", `pod_annotations = ["bookend.dev/*", "lifecycle.bookend.dev/*", "mine"]`},
		{"annotations", "containers' only", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.ContainerAnnotations = r.ContainerAnnotations[2:] })
		}, Warning, "container_annotations lacks lifecycle.bookend.dev/* (hooks in a container's own request", "container_annotations = ["},
		{"annotations", "no plugin", func(f *Facts) { f.dockerOnly() }, Warning, "Docker need none", "disabled_plugins"},
		{"annotations", "no grace", func(f *Facts) { f.edit(func(r *criconfig.Runtime) { r.ContainerAnnotations = r.PodAnnotations }) }, Warning, "terminationGracePeriod", "container_annotations = ["},
		{"annotations", "no runtime", func(f *Facts) { delete(f.CRI.Runtimes, "bookend") }, Fail, "no lists", "bookend install"},

		{"loaded", "not restarted", func(f *Facts) { delete(f.Daemon.Handlers, "bookend") }, Fail, "older configuration, without", "systemctl restart containerd"},
		{"loaded", "an older list", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.PodAnnotations = append(r.PodAnnotations, "x") })
		}, Fail, "older configuration of", "systemctl restart containerd"},
		{"loaded", "an older path", func(f *Facts) { f.edit(func(r *criconfig.Runtime) { r.Path = "/x" }) }, Fail, "older configuration of", "systemctl restart containerd"},
		{"loaded", "an older option", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.Options = map[string]any{"SystemdCgroup": true} })
		}, Fail, "older configuration of", "systemctl restart containerd"},
		{"loaded", "options that are the same", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) {
				r.Options = map[string]any{"BinaryName": "/runc", "IoUid": int64(7), "Root": ""}
			})
			h := f.Daemon.Handlers["bookend"]
			h.Options = map[string]any{"BinaryName": "/runc", "IoUid": float64(7), "SystemdCgroup": false}
			f.Daemon.Handlers["bookend"] = h
		}, Pass, "", ""},
		{"loaded", "no plugin", func(f *Facts) {
			f.CRI.CRIDisabled, f.Daemon.Handlers, f.Daemon.CRIErr = true, nil, fmt.Errorf("%w: x", daemon.ErrNoCRI)
		}, Warning, "no CRI plugin", "enable"},
		{"loaded", "a plugin that failed", func(f *Facts) {
			f.Daemon.Handlers, f.Daemon.CRIErr = nil, fmt.Errorf("%w: x", daemon.ErrNoCRI)
		}, Fail, "does not disable it", "why it did not load"},
		{"loaded", "a plugin that failed, and no file", func(f *Facts) {
			f.CRI, f.CRIErr, f.Daemon.Handlers, f.Daemon.CRIErr = &criconfig.Config{}, errBroken, nil, fmt.Errorf("%w: x", daemon.ErrNoCRI)
		}, Fail, "no CRI plugin", "why it did not load"},
		{"loaded", "a plugin that is to go", func(f *Facts) { f.dockerOnly(); f.Daemon.CRIErr = nil }, Warning, "disables", "restart"},
		{"loaded", "no answer", func(f *Facts) { f.Daemon.Handlers, f.Daemon.CRIErr = nil, errBroken }, Warning, "broken", "log"},
		{"loaded", "no daemon", func(f *Facts) { f.Daemon = nil }, Fail, "no containerd", "systemctl start containerd"},

		{"shim", "none", func(f *Facts) { f.Shim = Program{Err: errBroken} }, Fail, "broken", "bookend install --binaries-only --from DIR"},
		{"shim", "none elsewhere", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.Path = "/opt/b/" + hooks.ShimBinary })
			f.Shim = Program{Err: errBroken}
		}, Fail, "broken", "bookend install --binaries-only --bin-dir /opt/b --from DIR"},
		{"shim", "of a named installation", func(f *Facts) {
			f.BinDir, f.LibDir, f.Shim = "/usr/local/bin", "/opt/x", Program{Err: errBroken}
		}, Fail, "broken", "bookend install --binaries-only --lib-dir /opt/x --from DIR"},
		{"shim", "of the installation that is named", func(f *Facts) { f.BinDir, f.LibDir = "/usr/local/bin", "/usr/local/lib/bookend" }, Pass, "1.0.0", ""},
		{"shim", "links of another installation", func(f *Facts) { f.BinDir = "/opt/b/bin" }, Warning, "is not of the installation in /opt/b/bin", "--bin-dir /opt/b/bin --from"},
		{"shim", "binaries of another installation", func(f *Facts) { f.LibDir = "/usr/local/lib/book" }, Warning, "is not of the installation in /usr/local/lib/book", "--lib-dir /usr/local/lib/book --from"},
		{"shim", "none, and no plugin", func(f *Facts) { f.dockerOnly(); f.Shim = Program{Err: errBroken} }, Fail, "broken", "bookend install --binaries-only"},
		{"bookend-exec", "none", func(f *Facts) { f.Executor.Err = fs.ErrNotExist }, Fail, "cannot run: file does not exist", "bookend install"},
		{"bookend-exec", "another version", func(f *Facts) { f.Executor.Version = version("0.9.0") }, Fail, "of version 0.9.0, the shim beside it of 1.0.0", "bookend install"},
		{"bookend-exec", "of an installation in another place", func(f *Facts) {
			f.edit(func(r *criconfig.Runtime) { r.Path = "/opt/b/" + hooks.ShimBinary })
			f.Shim.Path, f.Shim.Resolved, f.Executor.Err = "/opt/b/"+hooks.ShimBinary, "/opt/l/versions/1.0.0-0/"+hooks.ShimBinary, errBroken
		}, Fail, "broken", "bookend install --binaries-only --bin-dir /opt/b --lib-dir /opt/l --from DIR"},
		{"bookend-exec", "no shim", func(f *Facts) { f.Shim = Program{Err: errBroken} }, Fail, "no shim", "bookend install"},
		{"bookend", "another version", func(f *Facts) { f.Version = "2.0.0" }, Warning, "of version 2.0.0, the shim of 1.0.0", "/usr/local/lib/bookend/versions/1.0.0-0"},
		{"PATH", "not there", func(f *Facts) { f.ByName = Program{Err: errBroken} }, Warning, "broken", "ctr, nerdctl and Docker"},
		{"PATH", "not there, needed", func(f *Facts) {
			f.ByName = Program{Err: errBroken}
			f.edit(func(r *criconfig.Runtime) { r.Path, r.Type = "", hooks.RuntimeType })
		}, Fail, "leads nowhere", "bookend install"},
		{"PATH", "not there, and no plugin", func(f *Facts) { f.dockerOnly(); f.ByName = Program{Err: errBroken} }, Fail, "leads nowhere", "bookend install --binaries-only"},
		{"PATH", "another", func(f *Facts) { f.ByName.Path, f.ByName.Resolved = "/usr/bin/x", "/usr/bin/x" }, Warning, "/usr/bin/x is found by name", "remove"},

		{"runc", "none", func(f *Facts) { f.Runc.Err = errBroken }, Fail, "broken", "install runc"},
		{"runc", "old", func(f *Facts) { f.Runc.Version = version("1.1.12") }, Pass, "1.1.12", ""},

		{"seccomp", "no executor", func(f *Facts) { f.Compiler, f.Executor = Libraries{}, Program{} }, Pass, "no bookend-exec", ""},
		{"seccomp", "no runc", func(f *Facts) { f.Runc.Err = errBroken }, Pass, "only", ""},
		{"seccomp", "a runtime that does not answer", func(f *Facts) { f.IdentityErr = errBroken }, Pass, "only", ""},
		{"seccomp", "another runtime", func(f *Facts) { f.Identity = runtime.Identity{Name: "runsc", Reason: "it is a sandbox"} }, Pass, "only", ""},
		{"seccomp", "no libseccomp", func(f *Facts) { f.Compiler.Libseccomp = "none" }, Warning, "has no libseccomp", "tag seccomp"},
		{"seccomp", "it does not say", func(f *Facts) { f.Compiler.Libseccomp = "" }, Warning, "has no libseccomp", "tag seccomp"},
		{"seccomp", "the runtime does not say", func(f *Facts) { f.Identity.Libseccomp = "" }, Warning, "does not name its libseccomp", "build bookend-exec"},
		{"seccomp", "an older libseccomp", func(f *Facts) { f.Compiler.Libseccomp, f.Identity.Libseccomp = "2.5.9", "2.5.10" }, Warning, "2.5.9 of bookend-exec is older than 2.5.10 of the runtime", "build bookend-exec"},
		{"seccomp", "a newer libseccomp", func(f *Facts) { f.Compiler.Libseccomp = "2.6.0" }, Warning, "2.6.0 of bookend-exec is newer than 2.5.4 of the runtime", "build bookend-exec"},
		{"seccomp", "a libseccomp that cannot be compared", func(f *Facts) { f.Identity.Libseccomp = "x" }, Warning, "is newer than x", "build bookend-exec"},
		{"seccomp", "a newer runc", func(f *Facts) { f.Runc.Version = version("1.6.0-rc.1") }, Warning, "the runtime is runc 1.6.0-rc.1, profiles of hooks are compiled by the code of runc 1.5.0", "upgrade bookend"},
		{"seccomp", "an older runc", func(f *Facts) { f.Runc.Version = version("1.3.0") }, Pass, "the code is that of runc 1.5.0", ""},
		{"seccomp", "a runc that is not known", func(f *Facts) { f.Compiler.Runc = program.Version{} }, Warning, "an unknown version", "upgrade bookend"},
		{"seccomp", "a crun", func(f *Facts) { f.Identity.Name, f.Runc.Version = "crun", version("2.0") }, Pass, "2.5.4 is the runtime's", ""},

		{"exec", "by configuration", func(f *Facts) { f.Entry, f.Joiner = hooks.EntryRuntime, "" }, Pass, "the node's configuration says so", ""},
		{"exec", "no shim", func(f *Facts) { f.Joiner = "" }, Warning, "no shim", "bookend install"},
		{"exec", "no joiner", func(f *Facts) { f.Joiner = "built without the joiner" }, Warning, "slower: built without the joiner", "make build"},
		{"exec", "an old kernel", func(f *Facts) { f.Kernel = version("4.18.0-553.el8") }, Warning, "slower: Linux 4.18.0-553.el8", "upgrade the kernel"},
		{"exec", "no runc", func(f *Facts) { f.Runc.Err = errBroken }, Warning, "no runtime to ask", "install runc"},
		{"exec", "a runtime that does not answer", func(f *Facts) { f.IdentityErr = errBroken }, Warning, "slower: broken", "does not answer"},
		{"exec", "another runtime", func(f *Facts) { f.Identity = runtime.Identity{Name: "runsc", Reason: "it is a sandbox"} }, Warning, "slower: it is a sandbox", "meant"},
		{"exec", "a crun", func(f *Facts) { f.Identity.Name, f.Identity.Version = "crun", "1.8.1" }, Pass, "by the joiner, in containers of crun 1.8.1", ""},

		{"kernel", "unknown", func(f *Facts) { f.KernelErr = errBroken }, Warning, "broken", "uname"},
		{"kernel", "old", func(f *Facts) { f.Kernel = version("5.8.18") }, Warning, "5.8.18 is older than 5.9", "upgrade the kernel"},
		{"kernel", "the oldest", func(f *Facts) { f.Kernel = version("5.9") }, Pass, "process by process", ""},
		{"kernel", "the oldest, with cgroup v1", func(f *Facts) { f.Kernel, f.CgroupV2 = version("5.9"), false }, Pass, "has all", ""},

		{"cgroups", "version 1", func(f *Facts) { f.CgroupV2, f.Freezer = false, true }, Pass, "version 1", ""},
		{"cgroups", "no freezer", func(f *Facts) { f.CgroupV2 = false }, Warning, "no freezer", "cgroup v2"},
		{"cgroups", "systemd's, without systemd", func(f *Facts) {
			f.Systemd = false
			f.edit(func(r *criconfig.Runtime) { r.Options = map[string]any{"SystemdCgroup": true} })
		}, Fail, "systemd does not run here", "SystemdCgroup = false"},
		{"cgroups", "no systemd", func(f *Facts) { f.Systemd = false }, Pass, "version 2", ""},
		{"cgroups", "another driver than runc's", func(f *Facts) {
			f.CRI.Runtimes["runc"] = criconfig.Runtime{Type: criconfig.RuncType, Options: map[string]any{"SystemdCgroup": true}}
		}, Warning, `SystemdCgroup is false in runtime "bookend" and true in "runc"`, "else bookend install --edit-config && systemctl restart containerd, which takes over the options of runc"},
		{"cgroups", "runc's driver", func(f *Facts) {
			f.CRI.Runtimes["runc"] = criconfig.Runtime{Type: criconfig.RuncType, Options: map[string]any{"SystemdCgroup": true}}
			f.edit(func(r *criconfig.Runtime) { r.Options = f.CRI.Runtimes["runc"].Options })
		}, Pass, "", ""},
		{"capabilities", "one is missing", func(f *Facts) { f.Capabilities[capability.CAP_SYS_PTRACE] = false }, Fail, "containerd lacks CAP_SYS_PTRACE (", "CapabilityBoundingSet"},
		{"capabilities", "our own", func(f *Facts) { f.Daemon, f.Capabilities[capability.CAP_KILL] = nil, false }, Warning, "this process lacks CAP_KILL (", "as root"},
		{"capabilities", "unknown", func(f *Facts) { f.Capabilities = nil }, Warning, "cannot be read", "as root"},
		{"configuration", "invalid", func(f *Facts) { f.NodeConfig.Err = errBroken }, Fail, "broken", "fix " + hooks.ConfigPath},
		{"configuration", "named and not there", func(f *Facts) { f.NodeConfig.Err = fs.ErrNotExist }, Fail, "not exist", hooks.ConfigPath},
		{"configuration", "not there", func(f *Facts) { f.NodeConfig.Exists = false }, Pass, "defaults", ""},
		{"records", "not writable", func(f *Facts) { f.RecordsErr = syscall.EROFS }, Warning, "read-only", hooks.DefaultRecords().Directory},
		{"records", "open to all", func(f *Facts) { f.RecordsMode = 0o755 }, Warning, "mode 0755", "chmod 0700 " + hooks.DefaultRecords().Directory},
		{"records", "not yet", func(f *Facts) { f.RecordsMode = 0 }, Pass, "will be made", ""},
	} {
		t.Run(tt.check+"/"+tt.fault, func(t *testing.T) {
			f := healthy()
			tt.spoil(f)
			for _, r := range Examine(f) {
				if r.Check != tt.check {
					continue
				}
				if r.Status != tt.want || !strings.Contains(r.Found, tt.found) || !strings.Contains(r.Fix, tt.fix) {
					t.Errorf("got %+v, want %s with %q and %q", r, tt.want, tt.found, tt.fix)
				}
				if (r.Fix == "") != (r.Status == Pass) {
					t.Errorf("status %s and fix %q", r.Status, r.Fix)
				}
				return
			}
			t.Error("there is no such check")
		})
	}
}
