package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const (
	repository    = "../../.."
	containerfile = "../../image/Containerfile"
	version       = "1.2.3"
)

var epoch = time.Unix(1_700_000_000, 0).UTC()

// bin is where `make build node` leaves binaries, below the repository.
func bin(t *testing.T) string {
	t.Helper()
	dir := cmp.Or(os.Getenv("BOOKEND_BIN"), filepath.Join(repository, "bin"))
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return below
}

func buildOurs(t *testing.T, root string) v1.Image {
	t.Helper()
	text, err := os.ReadFile(containerfile)
	if err != nil {
		t.Fatal(err)
	}
	image, err := build(text, options{root: root, args: map[string]string{"BIN": bin(t), "VERSION": version}, arch: "amd64", time: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// entry is a file of an image.
type entry struct {
	*tar.Header
	data []byte
}

func files(t *testing.T, image v1.Image) map[string]entry {
	t.Helper()
	all := map[string]entry{}
	r := mutate.Extract(image)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(h.Name, "/")] = entry{h, data}
	}
}

// There is no shell, no library and no file that someone else could have put there.
func TestImageHasBinariesAndNothingElse(t *testing.T) {
	want := map[string]int64{
		"usr": 0o755, "usr/local": 0o755, "usr/local/bin": 0o755,
		"usr/local/bin/bookend": 0o755, "usr/local/bin/bookend-exec": 0o755, "usr/local/bin/bookend-node": 0o755,
		"usr/local/bin/bookend-webhook":            0o755,
		"usr/local/bin/containerd-shim-bookend-v2": 0o755,
		"usr/share": 0o755, "usr/share/doc": 0o755, "usr/share/doc/bookend": 0o755, "usr/share/doc/bookend/LICENSE": 0o644,
	}
	got := files(t, buildOurs(t, repository))
	for name, f := range got {
		if mode, ok := want[name]; !ok || f.Mode != mode || f.Uid != 0 || f.Gid != 0 || !f.ModTime.Equal(epoch) {
			t.Errorf("%s, mode %o, of %d:%d, from %s", name, f.Mode, f.Uid, f.Gid, f.ModTime)
		}
		if f.Typeflag != tar.TypeReg || f.Mode != 0o755 {
			continue
		}
		// A static program needs no other file to start.
		e, err := elf.NewFile(bytes.NewReader(f.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if slices.ContainsFunc(e.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
			t.Errorf("%s needs a dynamic linker", name)
		}
		if libs, err := e.ImportedLibraries(); err != nil || len(libs) > 0 {
			t.Errorf("%s needs %v: %v", name, libs, err)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestImageSaysHowItRuns(t *testing.T) {
	image := buildOurs(t, repository)
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := file.Config
	if !slices.Equal(c.Entrypoint, []string{"/usr/local/bin/bookend-node"}) || len(c.Cmd) > 0 || c.User != "65532:65532" || len(c.Env) > 0 {
		t.Errorf("%+v", c)
	}
	if _, ok := files(t, image)[strings.TrimPrefix(c.Entrypoint[0], "/")]; !ok {
		t.Errorf("%s is not there", c.Entrypoint[0])
	}
	if c.Labels["org.opencontainers.image.version"] != version {
		t.Errorf("labels %v", c.Labels)
	}
	if file.OS != "linux" || file.Architecture != "amd64" || !file.Created.Equal(epoch) {
		t.Errorf("%s/%s of %s", file.OS, file.Architecture, file.Created)
	}
}

// writeTree writes what the Containerfile copies, with times and modes of its own.
func writeTree(t *testing.T, at time.Time, more os.FileMode) string {
	t.Helper()
	root := t.TempDir()
	for name, mode := range map[string]os.FileMode{"b/run": 0o700 | more, "b/also": 0o700 | more, "TEXT": 0o600 | more} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), mode), os.Chmod(path, mode), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const small = "# a comment\nFROM scratch\nARG BIN=a\nCOPY ${BIN}/run ${BIN}/also /bin/\nCOPY TEXT /doc/\nENTRYPOINT [\"/bin/run\"]\n"

func TestTheSameFilesGiveTheSameArchive(t *testing.T) {
	var archives [][]byte
	for _, root := range []string{writeTree(t, epoch, 0), writeTree(t, epoch.Add(time.Hour), 0o044)} {
		image, err := build([]byte(small), options{root: root, args: map[string]string{"BIN": "b"}, arch: "arm64", time: epoch})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := writeArchive(&out, image, "registry.example:5000/bookend:1.2.3", epoch); err != nil {
			t.Fatal(err)
		}
		archives = append(archives, out.Bytes())
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the archives differ")
	}

	dir := t.TempDir()
	tr := tar.NewReader(bytes.NewReader(archives[0]))
	for h, err := tr.Next(); !errors.Is(err, io.EOF); h, err = tr.Next() {
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		path := filepath.Join(dir, h.Name)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) != 1 {
		t.Fatalf("%v: %v", m, err)
	}
	d := m.Manifests[0]
	if d.Annotations["io.containerd.image.name"] != "registry.example:5000/bookend:1.2.3" || d.Annotations["org.opencontainers.image.ref.name"] != "1.2.3" || d.Platform.Architecture != "arm64" {
		t.Errorf("%+v", d)
	}
}

func TestContainerfilesThatNeedMoreAreRefused(t *testing.T) {
	root := writeTree(t, epoch, 0)
	for _, tt := range []struct {
		text string
		want error
	}{
		{small, nil},
		{"FROM debian\n", errArguments},
		{"COPY TEXT /doc/\n", errNoFrom},
		{"FROM scratch\nFROM scratch\n", errNoFrom},
		{"FROM scratch\nRUN true\n", errInstruction},
		{"FROM scratch\nENTRYPOINT run\n", errArguments},
		{"FROM scratch\nCOPY TEXT\n", errArguments},
		{"FROM scratch\nCOPY TEXT /doc\n", errArguments},
		{"FROM scratch\nCOPY --chmod=755 TEXT /doc/\n", errArguments},
		{"FROM scratch\nCOPY ${WHERE}/TEXT /doc/\n", errNoValue},
		{"FROM scratch\nARG WHERE\nCOPY ${WHERE}/TEXT /doc/\n", errNoValue},
		{"FROM scratch\nCOPY MISSING /doc/\n", os.ErrNotExist},
		{"FROM scratch\nCOPY b /doc/\n", os.ErrInvalid},
		{"FROM scratch\nLABEL a\n", errArguments},
		{"FROM scratch\nUSER a b\n", errArguments},
	} {
		args := map[string]string{}
		if strings.Contains(tt.text, "ARG BIN") {
			args["BIN"] = "b"
		}
		if _, err := build([]byte(tt.text), options{root: root, args: args, arch: "amd64", time: epoch}); !errors.Is(err, tt.want) {
			t.Errorf("%s\n  want %v, got %v", tt.text, tt.want, err)
		}
	}
	if _, err := build([]byte(small), options{root: root, args: map[string]string{"BNI": "b"}, arch: "amd64"}); !errors.Is(err, errNoArg) {
		t.Errorf("an argument that the file does not have: %v", err)
	}
}
