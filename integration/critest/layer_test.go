package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"
)

func TestLayer(t *testing.T) {
	l := newLayer()
	l.dir("/tmp", 0o1777)
	l.file("/bin/busybox", 0o4755, []byte("program"))
	l.link("/bin/ls", "/bin/busybox", 0o4755)
	content, err := l.finish()
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		kind       byte
		mode       int64
		link, text string
	}
	want := map[string]entry{
		"tmp/":        {tar.TypeDir, 0o1777, "", ""},
		"bin/busybox": {tar.TypeReg, 0o4755, "", "program"},
		"bin/ls":      {tar.TypeLink, 0o4755, "bin/busybox", ""},
	}
	for archive := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		got := entry{header.Typeflag, header.Mode, header.Linkname, string(text)}
		if got != want[header.Name] {
			t.Errorf("%s: %v, want %v", header.Name, got, want[header.Name])
		}
		delete(want, header.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestLayerKeepsItsFirstError(t *testing.T) {
	l := newLayer()
	l.copy("/bin/absent", 0o755, t.TempDir()+"/absent")
	l.file("/etc/passwd", 0o644, nil)
	if _, err := l.finish(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
}
