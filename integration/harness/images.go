package harness

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The images that every daemon has, in both namespaces.
const (
	// BusyboxImage has a shell and busybox's tools, and the users root, app
	// (1000) and nobody (65534). Without a command it sleeps, and ends at SIGTERM.
	BusyboxImage = "bookend.dev/test/busybox:1"
	// TestserverImage is BusyboxImage with harness/testserver as its command.
	TestserverImage = "bookend.dev/test/testserver:1"
)

const imagePath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// loadImages makes the test images and imports them.
func (d *Daemon) loadImages(ctx context.Context) error {
	images, err := d.testImages(ctx)
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := d.Import(ctx, image); err != nil {
			return err
		}
	}
	return nil
}

// Import gives the image to containerd, unpacked, in both namespaces.
func (d *Daemon) Import(ctx context.Context, image Image) error {
	var archive bytes.Buffer
	if _, err := image.WriteTo(&archive); err != nil {
		return fmt.Errorf("image %s: %w", image.Name, err)
	}
	for _, ns := range []string{TaskNamespace, CRINamespace} {
		if err := d.importInto(ctx, ns, image.Name, bytes.NewReader(archive.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// ImportFile gives the images of an archive, of the OCI's layout, to the CRI plugin.
func (d *Daemon) ImportFile(ctx context.Context, path string) error {
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	return d.importInto(ctx, CRINamespace, path, archive)
}

func (d *Daemon) importInto(ctx context.Context, ns, name string, archive io.Reader) error {
	ctx = namespaces.WithNamespace(ctx, ns)
	imported, err := d.Client.Import(ctx, archive)
	if err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	for _, i := range imported {
		if err := containerd.NewImage(d.Client, i).Unpack(ctx, d.snapshotter); err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
	}
	return nil
}

func (d *Daemon) testImages(ctx context.Context) ([]Image, error) {
	busybox, err := busyboxLayer(ctx, d.bins)
	if err != nil {
		return nil, err
	}
	programs := map[string]Layer{}
	for _, name := range []string{"pause", "testserver"} {
		if programs[name], err = d.programLayer(ctx, name); err != nil {
			return nil, err
		}
	}
	sleeper := []string{"sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 1000000 & wait $!; done"}
	return []Image{
		{Name: PauseImage, Layers: []Layer{programs["pause"]}, Config: ocispec.ImageConfig{Entrypoint: []string{"/pause"}}},
		{Name: BusyboxImage, Layers: []Layer{busybox}, Config: ocispec.ImageConfig{Env: []string{imagePath}, Cmd: sleeper}},
		{Name: TestserverImage, Layers: []Layer{busybox, programs["testserver"]}, Config: ocispec.ImageConfig{
			Env: []string{imagePath}, Entrypoint: []string{"/testserver"},
		}},
	}, nil
}

// programsVariable names a directory with this package's commands, for machines
// that have no Go.
const programsVariable = "BOOKEND_TEST_PROGRAMS"

// programLayer builds one of this package's commands and puts it into /.
func (d *Daemon) programLayer(ctx context.Context, name string) (Layer, error) {
	if dir := os.Getenv(programsVariable); dir != "" {
		file, err := fileFrom(filepath.Join(dir, name), name)
		if err != nil {
			return nil, err
		}
		return NewLayer([]File{file})
	}
	out := d.Path("tmp", name)
	defer os.Remove(out)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./integration/harness/"+name)
	build.Dir, build.Env = d.bins.Root, append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w: %s", name, err, msg)
	}
	file, err := fileFrom(out, name)
	if err != nil {
		return nil, err
	}
	return NewLayer([]File{file})
}

func busyboxLayer(ctx context.Context, bins Binaries) (Layer, error) {
	program, err := bins.Busybox()
	if err != nil {
		return nil, err
	}
	if err := checkStatic(program); err != nil {
		return nil, err
	}
	file, err := fileFrom(program, "bin/busybox")
	if err != nil {
		return nil, err
	}
	applets, err := exec.CommandContext(ctx, program, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --list: %w", program, err)
	}
	files := []File{
		{Path: "bin/", Dir: true}, {Path: "etc/", Dir: true}, {Path: "root/", Dir: true, Mode: 0o700},
		{Path: "tmp/", Dir: true, Mode: 0o1777}, {Path: "var/", Dir: true}, {Path: "home/", Dir: true},
		{Path: "etc/passwd", Mode: 0o644, Content: []byte(passwd)},
		{Path: "etc/group", Mode: 0o644, Content: []byte(group)},
		file,
	}
	for _, applet := range strings.Fields(string(applets)) {
		if applet != "busybox" {
			files = append(files, File{Path: "bin/" + applet, Link: "busybox"})
		}
	}
	return NewLayer(files)
}

const (
	passwd = `root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/home:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
`
	group = `root:x:0:
app:x:1000:
extra:x:2000:app
nogroup:x:65534:
`
)

func checkStatic(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically: install the package busybox-static", program)
		}
	}
	return nil
}
