package distribution

import "bookend.dev/bookend/cmd/internal/daemon"

// Names of presets.
const (
	Plain = "containerd"
	EKS   = "eks"
)

// Presets are all that are known. Of those with the same main file the first one
// that is recognised holds, so that plain containerd comes last.
//
// They were written from what each project documents, in 2026:
//
//   - k3s: docs.k3s.io/advanced#configuring-containerd, and config.go below
//     pkg/agent/containerd of github.com/k3s-io/k3s. The main file is rendered at
//     each start, from config-v3.toml.tmpl if there is one, else from
//     config.toml.tmpl, else from a built-in template. A template may take that in
//     as "base" since the releases of September 2023. Newer built-in templates
//     import config-v3.toml.d; what was rendered tells.
//   - rke2: docs.rke2.io/advanced#configuring-containerd. As k3s, whose socket it has.
//   - k0s: docs.k0sproject.io/stable/runtime. Up to containerd 1.7 k0s merges
//     containerd.d itself, into Merged; since containerd 2 the main file imports it.
//   - MicroK8s: run-containerd-with-args and default-args in
//     github.com/canonical/microk8s. The service renders the main file from the template.
//   - kind: images/base in github.com/kubernetes-sigs/kind. Plain containerd in a
//     node's container, which has /kind/version.
//   - EKS: awslabs.github.io/amazon-eks-ami/nodeadm. nodeadm writes the main file at
//     each boot, with spec.containerd.config of the NodeConfig merged into it.
//   - containerd.io: the package of github.com/docker/containerd-packaging, whose main
//     file disables the CRI plugin.
//   - docker: a containerd that dockerd starts itself, and writes the main file of.
//   - Talos: docs.siderolabs.com/talos, "containerd" and "system extensions".
//   - Bottlerocket: SECURITY_FEATURES.md of github.com/bottlerocket-os/bottlerocket,
//     "Stateless tmpfs for /etc".
func Presets() []Preset {
	rancher := func(name, programs string, units ...string) Preset {
		dir := "/var/lib/rancher/" + name + "/agent/etc/containerd"
		return Preset{
			Name: name, Marks: []string{dir}, Config: dir + "/config.toml", Socket: "/run/k3s/containerd/containerd.sock",
			Units: units, Programs: []string{"/var/lib/rancher/" + name + programs},
			Templates: map[int]string{2: "config.toml.tmpl", 3: "config-v3.toml.tmpl"}, Base: "{{ template \"base\" . }}\n",
		}
	}
	plain := func(name string, p Preset) Preset {
		p.Name, p.Config, p.Socket, p.Units = name, daemon.MainConfig, daemon.Socket, []string{daemon.Unit}
		return p
	}
	return []Preset{
		{
			Name: "talos", How: ReadOnly, OS: "talos", Config: "/etc/cri/containerd.toml", Socket: "/run/containerd/containerd.sock",
			Advice: "Talos is read-only: build a system extension with the binaries below /usr/local and what `bookend install --print drop-in` prints, without its version, as /etc/cri/conf.d/bookend.part; " +
				"since Talos 1.14 a CRICustomizationConfig document may take the place of that file",
		},
		{
			Name: "bottlerocket", How: ReadOnly, OS: "bottlerocket", Config: daemon.MainConfig, Socket: daemon.Socket,
			Advice: "Bottlerocket is read-only and has no setting for another runtime: build an image of your own, with the binaries and, in /etc/containerd/config.d, what `bookend install --print drop-in` prints; or use nodes of another system",
		},
		rancher("k3s", "/data/current/bin", "k3s", "k3s-agent"),
		rancher("rke2", "/bin", "rke2-server", "rke2-agent"),
		{
			Name: "k0s", Marks: []string{"/etc/k0s/containerd.toml", "/run/k0s/containerd.sock"}, Config: "/etc/k0s/containerd.toml", Socket: "/run/k0s/containerd.sock",
			Units: []string{"k0sworker", "k0scontroller"}, Programs: []string{"/var/lib/k0s/bin"},
			DropIns: "containerd.d", Merged: "/run/k0s/containerd-cri.toml", Managed: "# k0s_managed=true",
		},
		{
			Name: "microk8s", Marks: []string{"/var/snap/microk8s/current/args/containerd-template.toml"},
			Config: "/var/snap/microk8s/current/args/containerd.toml", Socket: "/var/snap/microk8s/common/run/containerd.sock",
			Units: []string{"snap.microk8s.daemon-containerd"}, Programs: []string{"/snap/microk8s/current/usr/bin", "/snap/microk8s/current/bin"},
			Templates: map[int]string{2: "containerd-template.toml", 3: "containerd-template.toml"},
		},
		{
			Name: "docker", How: ByType, Marks: []string{"/run/docker/containerd/containerd.toml"},
			Config: "/run/docker/containerd/containerd.toml", Socket: "/run/docker/containerd/containerd.sock", Units: []string{"docker"},
			Advice: byType,
		},
		plain("containerd.io", Preset{How: ByType, Marks: []string{"/usr/bin/dockerd"}, CRIDisabled: true, Advice: byType}),
		plain("kind", Preset{Marks: []string{"/kind/version"}}),
		plain(EKS, Preset{How: InNodeConfig, Marks: []string{"/usr/bin/nodeadm"}, Advice: "nodeadm writes this node's configuration of containerd anew at each boot"}),
		plain(Plain, Preset{Marks: []string{daemon.MainConfig, daemon.Socket, "/usr/bin/containerd", "/usr/local/bin/containerd"}}),
	}
}

// byType is what users of Docker have to know.
const byType = "this containerd serves Docker and no Kubernetes: it needs no entry, docker run --runtime io.containerd.bookend.v2 finds the shim on PATH"
