package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHandlersRunTheirShims holds each handler of the configuration to the
// shim that it stands for. The hook makes bookend refuse a container whose
// configuration it can't read, and with it an options table that is wrong.
func TestHandlersRunTheirShims(t *testing.T) {
	d := shared.Daemon(t)
	if _, err := d.Binaries().Shim(); err != nil {
		t.Fatal(err)
	}
	const key, hook = "lifecycle.bookend.dev/main", `{postStart: {sleep: {seconds: 0}}}`
	for name, want := range map[string]string{
		Runc:           filepath.Join(d.Binaries().Tools, "containerd-shim-runc-v2"),
		Bookend:        filepath.Join(d.Binaries().Bin, "containerd-shim-bookend-v2"),
		BookendType:    filepath.Join(d.Binaries().Bin, "containerd-shim-bookend-v2"),
		BookendOptions: filepath.Join(d.Binaries().Bin, "containerd-shim-bookend-v2"),
	} {
		t.Run(name, func(t *testing.T) {
			pod := d.TestPod(t, PodOptions{Handler: name, Annotations: map[string]string{key: hook}})
			c := pod.TestContainer(t, ContainerOptions{Name: "main"})
			got, err := os.ReadFile(filepath.Join(d.Bundle(CRINamespace, pod.ID), "shim-binary-path"))
			if err != nil || string(got) != want {
				t.Errorf("got shim %q, %v; want %q", got, err, want)
			}
			spec, err := os.ReadFile(filepath.Join(d.Bundle(CRINamespace, c.ID), "config.json"))
			passed := strings.Contains(string(spec), `"`+key+`":"`+hook+`"`)
			if err != nil || passed != (name != Runc) {
				t.Errorf("pod annotation in the container's spec: %t, %v", passed, err)
			}
		})
	}
}
