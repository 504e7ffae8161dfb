package harness

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is a container image made here, without a registry.
type Image struct {
	Name   string
	Config ocispec.ImageConfig
	Layers []Layer
}

// Layer is one layer of an image: an uncompressed tar archive.
type Layer []byte

// File is one file of a layer.
type File struct {
	Path    string // without a leading slash; directories are made as needed by order
	Mode    int64  // permissions; 0: 0755
	Content []byte
	Link    string // target, where it is a symbolic link
	Dir     bool
}

// NewLayer makes a layer of files, owned by root.
func NewLayer(files []File) (Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		h := &tar.Header{Name: f.Path, Mode: f.Mode, Size: int64(len(f.Content)), Typeflag: tar.TypeReg}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		switch {
		case f.Dir:
			h.Typeflag = tar.TypeDir
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("layer: %s: %w", f.Path, err)
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, fmt.Errorf("layer: %s: %w", f.Path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return buf.Bytes(), nil
}

// WriteTo writes the image as a tar archive of an OCI image layout.
func (i Image) WriteTo(w io.Writer) (int64, error) {
	var blobs [][]byte
	add := func(mediaType string, content []byte) ocispec.Descriptor {
		blobs = append(blobs, content)
		return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	}
	created := time.Unix(0, 0).UTC() // the same input gives the same image
	config := ocispec.Image{
		Created:  &created,
		Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   i.Config,
		RootFS:   ocispec.RootFS{Type: "layers"},
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	for _, layer := range i.Layers {
		desc := add(ocispec.MediaTypeImageLayer, layer)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, desc.Digest)
		manifest.Layers = append(manifest.Layers, desc)
	}
	configJSON, err := json.Marshal(config)
	if err != nil {
		return 0, err
	}
	manifest.Config = add(ocispec.MediaTypeImageConfig, configJSON)
	manifestJSON, err := json.Marshal(manifest)
	if err != nil {
		return 0, err
	}
	entry := add(ocispec.MediaTypeImageManifest, manifestJSON)
	entry.Annotations = map[string]string{"io.containerd.image.name": i.Name}
	index, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{entry},
	})
	if err != nil {
		return 0, err
	}
	files := []File{
		{Path: ocispec.ImageLayoutFile, Content: []byte(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`)},
		{Path: ocispec.ImageIndexFile, Content: index},
	}
	for _, b := range blobs {
		files = append(files, File{Path: fmt.Sprintf("blobs/sha256/%x", sha256.Sum256(b)), Content: b})
	}
	layout, err := NewLayer(files)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(layout)
	return int64(n), err
}

// fileFrom reads a file of the host into a layer's file.
func fileFrom(host, path string) (File, error) {
	content, err := os.ReadFile(host)
	return File{Path: path, Content: content}, err
}
