package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// A pod in a user namespace has volumes by idmapped mounts: what a hook writes there
// as the container's root belongs to the node's root, and it sees what is there as its
// own. That the kernel can do it is known from the stock shim.
func TestUserNamespaceHookWritesThroughAnIdmappedMount(t *testing.T) {
	d := shared.Daemon(t)
	volume := t.TempDir()
	if err := os.Chmod(volume, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(volume, "given"), []byte("given\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mount := func(c *runtimeapi.ContainerConfig) {
		ids := c.GetLinux().GetSecurityContext().GetNamespaceOptions().GetUsernsOptions()
		c.Mounts = append(c.Mounts, &runtimeapi.Mount{
			HostPath: volume, ContainerPath: "/volume", UidMappings: ids.GetUids(), GidMappings: ids.GetGids(),
		})
	}
	if _, err := d.TestPod(t, harness.PodOptions{Handler: harness.Runc, UserNamespace: true}).
		RunContainer(t.Context(), harness.ContainerOptions{Edit: mount}); err != nil {
		t.Skipf("this machine has no idmapped mounts: %v", err)
	}
	const probe = `cat /volume/given; stat -c '%u:%g %a %n' /volume /volume/*; cat /proc/self/uid_map; grep ' /volume ' /proc/self/mountinfo | cut -d' ' -f4-7`
	const write = `echo hook > /volume/written; chown 7:8 /volume/written; `
	for _, hook := range []string{"post", "pre"} {
		t.Run(hook, func(t *testing.T) {
			name := map[string]string{"post": "postStart", "pre": "preStop"}[hook]
			pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend, UserNamespace: true, Annotations: map[string]string{
				harness.PodLifecycleKey: `{"` + name + `":{"exec":` + shell(write+probing(probe, hook)) + `}}`,
			}})
			h := harness.CreateContainer(t, pod, harness.ContainerOptions{Name: "main", Edit: mount})
			reply := h.Begin(t.Context())
			h.Await("main")
			if hook == "pre" {
				if err := wantReply(t, reply); err != nil {
					t.Fatal(err)
				}
				reply = h.BeginStop()
			}
			h.Await(hook)
			info, err := os.Stat(filepath.Join(volume, "written"))
			if err != nil {
				t.Fatal(err)
			}
			if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 7 || st.Gid != 8 {
				t.Errorf("the hook's file belongs to %d:%d, want 7:8 on the node as in the container", st.Uid, st.Gid)
			}
			wantAsExec(t, h, probe, nil)
			h.Open(hook + "-go")
			if err := wantReply(t, reply); err != nil {
				t.Error(err)
			}
			if err := os.Remove(filepath.Join(volume, "written")); err != nil {
				t.Fatal(err)
			}
		})
	}
}
