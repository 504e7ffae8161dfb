package packages

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// An operator installs the deb, does what it says, runs a pod, and removes all again.
func TestTheDebOnAFreshNode(t *testing.T) {
	n := newNode(t)
	n.write("/etc/containerd/config.toml", containerdConfig)
	before := n.files()
	deb := filepath.Base(one(t, "*_"+map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]+".deb"))
	n.want(0, "/usr/bin/bookend install --edit-config", "dpkg", "-i", "/dist/"+deb)
	n.run(0, "dpkg", "--verify", "bookend")
	stop := n.containerd()
	n.run(0, "ctr", "-n", "k8s.io", "images", "import", "/images/image.tar")
	n.install()
	if out := n.run(0, "find", "/usr/local", "-name", "*bookend*"); out != "" {
		t.Errorf("there are copies: %s", out)
	}
	stop()
	stop = n.containerd()
	n.want(0, "/usr/libexec/bookend/containerd-shim-bookend-v2", "bookend", "doctor")

	pod, container := n.pod()
	n.want(0, "stdout: started", "bookend", "logs", "web/main")
	// An upgrade replaces the binaries below it.
	n.want(0, "New pods run on the new version", "dpkg", "-i", "/dist/"+deb)
	// Neither the package nor its installation goes away below a pod.
	n.want(1, "/usr/bin/bookend uninstall", "dpkg", "--remove", "bookend")
	n.want(1, "shims of this installation run", "bookend", "uninstall")
	n.run(0, "test", "-x", "/usr/bin/containerd-shim-bookend-v2")
	n.crictl("stop", "--timeout", "30", container)
	n.want(0, "stdout: stopping after started", "bookend", "logs", "web/main")
	n.crictl("stopp", pod)
	n.crictl("rmp", pod)

	n.run(0, "bookend", "uninstall")
	n.write("/etc/containerd/config.toml", containerdConfig)
	stop()
	n.run(0, "dpkg", "--remove", "bookend")
	n.wantFiles(before)
	if out := n.run(0, "sh", "-c", "dpkg-query --list bookend 2>/dev/null || true"); strings.Contains(out, "\nii") {
		t.Errorf("it is installed: %s", out)
	}
}

// install does what `bookend install` asks for: containerd before 2.0 has no
// drop-ins that merge.
func (n *node) install() {
	n.t.Helper()
	code, out, err := n.Run("bookend", "install", "--edit-config")
	if err != nil {
		n.t.Fatal(err)
	}
	switch code {
	case 0:
	case 3:
		table := regexp.MustCompile(`(?s)Add to /etc/containerd/config\.toml:\n\n(.*)\nThen restart`).FindStringSubmatch(out)
		if table == nil {
			n.t.Fatalf("it does not say what to add: %s", out)
		}
		n.write("/etc/containerd/config.toml", containerdConfig+table[1])
	default:
		n.t.Fatalf("exit code %d: %s", code, out)
	}
}

// A shim that no installation knows keeps the package as well: that of ctr.
func TestTheDebStaysWhileAShimRuns(t *testing.T) {
	n := newNode(t)
	n.run(0, "sh", "-c", "dpkg -i /dist/*_"+map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]+".deb")
	stop := n.containerd()
	n.run(0, "ctr", "images", "import", "/images/image.tar")
	n.run(0, "ctr", "run", "-d", "--runtime", "io.containerd.bookend.v2", "--cgroup", "/"+n.Name+"/web", testImage, "web")
	n.want(1, "A shim of bookend runs", "dpkg", "--remove", "bookend")
	n.run(0, "ctr", "task", "kill", "-s", "SIGKILL", "web")
	if err := harness.Poll(t.Context(), harnessLimit, "the end of the task", func() error {
		code, out, err := n.Run("ctr", "task", "rm", "web")
		return notZero(code, out, err)
	}); err != nil {
		t.Fatal(err)
	}
	if err := harness.Poll(t.Context(), harnessLimit, "the end of the shim", func() error {
		code, out, err := n.Run("dpkg", "--remove", "bookend")
		return notZero(code, out, err)
	}); err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestTheRpmIsPlacedAndErased(t *testing.T) {
	n := newNode(t)
	before := n.files()
	rpm := func(args ...string) []string { return append([]string{"rpm", "--dbpath", "/var/lib/rpm"}, args...) }
	n.want(0, "/usr/bin/bookend install --edit-config", rpm("-i", "/dist/"+filepath.Base(one(t, "*."+machine+".rpm")))...)
	n.run(0, rpm("-V", "bookend")...)
	for _, path := range []string{"/usr/bin/bookend", "/usr/libexec/bookend/bookend-exec", "/usr/share/man/man1/bookend-install.1.gz", "/usr/share/zsh/site-functions/_bookend"} {
		n.want(0, path+"\n", rpm("-ql", "bookend")...)
	}
	n.want(0, "bookend-exec version", "/usr/libexec/bookend/bookend-exec", "--version")
	n.write("/etc/containerd/config.toml", "version = 2\n")
	n.run(0, "bookend", "install", "--edit-config", "--containerd", "/opt/containerd/containerd")
	n.want(1, "/usr/bin/bookend uninstall", rpm("-e", "bookend")...)
	n.run(0, "test", "-x", "/usr/libexec/bookend/bookend")
	n.run(0, "bookend", "uninstall")
	n.run(0, "rm", "-r", "/etc/containerd")
	n.run(0, rpm("-e", "bookend")...)
	n.wantFiles(before)
}

// The checksums are right, every architecture has every format, and binaries do not
// tell where they were built.
func TestDistIsComplete(t *testing.T) {
	dist := where(t, "BOOKEND_DIST")
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dist
	out, err := check.CombinedOutput()
	if n := strings.Count(string(out), ": OK\n"); err != nil || n != 8 {
		t.Fatalf("%d files are as they should be: %v\n%s", n, err, out)
	}
	for _, pattern := range []string{"*_amd64.deb", "*_arm64.deb", "*.x86_64.rpm", "*.aarch64.rpm", "*-amd64.tar.gz", "*-arm64.tar.gz", "*-amd64.cdx.json", "*-arm64.cdx.json"} {
		one(t, pattern)
	}
}

// Every program in the archives is static, and has no path of this machine in it.
func TestBinariesAreOfNoPlace(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		dir := t.TempDir()
		if out, err := exec.Command("tar", "xzf", one(t, "*-"+arch+".tar.gz"), "-C", dir, "--strip-components=1").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		binaries, err := filepath.Glob(filepath.Join(dir, "bin/*"))
		if err != nil || len(binaries) != 3 {
			t.Fatalf("got %q, %v", binaries, err)
		}
		for _, b := range binaries {
			data, err := os.ReadFile(b)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(root+"/")) {
				t.Errorf("%s for %s names %s", filepath.Base(b), arch, root)
			}
		}
		wantOrigins(t, dir)
	}
}

// wantOrigins wants the lists of modules and of licences to name what is known to be
// in the binaries, and the manual to have a page for each command.
func wantOrigins(t *testing.T, dir string) {
	t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var bom struct {
		Metadata struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(read("sbom.cdx.json"), &bom); err != nil {
		t.Fatal(err)
	}
	licenses := string(read("third-party-licenses"))
	known := map[string]bool{"std": false, "libseccomp-dev": false, "libc6-dev": false, "github.com/containerd/containerd/v2": false, "github.com/opencontainers/runc": false, "github.com/spf13/cobra": false}
	for _, c := range bom.Components {
		if _, ok := known[c.Name]; ok {
			known[c.Name] = true
		}
		if c.Name != "std" && !strings.Contains(licenses, "\n"+c.Name+" "+c.Version+"\n") {
			t.Errorf("there is no licence of %s %s", c.Name, c.Version)
		}
	}
	for name, found := range known {
		if !found {
			t.Errorf("%s is not in the list of %d components", name, len(bom.Components))
		}
	}
	if bom.Metadata.Component.Name != "bookend.dev/bookend" {
		t.Errorf("it is a list of %+v", bom.Metadata.Component)
	}
	help, err := exec.Command(filepath.Join(where(t, "BOOKEND_BIN"), "bookend"), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z]+)  +[A-Z]`).FindAllStringSubmatch(string(help), -1)
	if len(commands) < 10 {
		t.Fatalf("only %d commands are found in %s", len(commands), help)
	}
	for _, c := range commands {
		if _, err := os.Stat(filepath.Join(dir, "man/bookend-"+c[1]+".1.gz")); err != nil && c[1] != "help" {
			t.Error(err)
		}
	}
}
