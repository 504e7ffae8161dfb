package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestFill(t *testing.T) {
	busybox := script(t, "#!/bin/sh\necho ls pgrep sh busybox\n")
	guest := filepath.Join(t.TempDir(), "guest")
	if err := os.WriteFile(guest, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := newStore()
	if err := fill(t.Context(), s, busybox, guest); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.manifests["test-image-digest"]; ok {
		t.Error("test-image-digest is there, which can only be the original")
	}
	image, files := unpack(t, s, "test-image-user-uid-group")
	if image.Config.User != "1003:users" {
		t.Errorf("user %q, want 1003:users", image.Config.User)
	}
	// A link must be hard, and a tool of ours no busybox; the set-uid program must keep its bit.
	for name, want := range map[string]tar.Header{
		"bin/ls":     {Typeflag: tar.TypeLink, Linkname: "bin/busybox", Mode: 0o755},
		"bin/pgrep":  {Typeflag: tar.TypeLink, Linkname: "bin/ipcs", Mode: 0o755},
		"bin/ipcs":   {Typeflag: tar.TypeReg, Mode: 0o755},
		"nonewprivs": {Typeflag: tar.TypeReg, Mode: 0o4755},
		"tmp/":       {Typeflag: tar.TypeDir, Mode: 0o1777},
	} {
		got, ok := files[name]
		if !ok || got.Typeflag != want.Typeflag || got.Linkname != want.Linkname || got.Mode != want.Mode {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// unpack returns the configuration of repository's image and the entries of all its layers.
func unpack(t *testing.T, s *store, repository string) (ocispec.Image, map[string]*tar.Header) {
	t.Helper()
	var manifest ocispec.Manifest
	if err := json.Unmarshal(s.blobs[s.manifests[repository]], &manifest); err != nil {
		t.Fatal(err)
	}
	var image ocispec.Image
	if err := json.Unmarshal(s.blobs[manifest.Config.Digest], &image); err != nil {
		t.Fatal(err)
	}
	files := map[string]*tar.Header{}
	for _, layer := range manifest.Layers {
		archive := tar.NewReader(bytes.NewReader(s.blobs[layer.Digest]))
		for {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if files[header.Name] != nil {
				t.Errorf("%s is there twice", header.Name)
			}
			files[header.Name] = header
		}
	}
	return image, files
}
