package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// store holds images in memory: every blob by its digest, and the manifest of each repository. It is
// filled once and only read afterwards.
type store struct {
	blobs     map[digest.Digest][]byte
	manifests map[string]digest.Digest // by the last element of the repository's name
}

func newStore() *store {
	return &store{blobs: map[digest.Digest][]byte{}, manifests: map[string]digest.Digest{}}
}

// put adds a blob and returns its descriptor.
func (s *store) put(mediaType string, blob []byte) ocispec.Descriptor {
	id := digest.FromBytes(blob)
	s.blobs[id] = blob
	return ocispec.Descriptor{MediaType: mediaType, Digest: id, Size: int64(len(blob))}
}

// tag makes an image of layers and config, and the answer to every tag of repository. Two
// repositories never share an image: critest counts the tags of one.
func (s *store) tag(repository string, config ocispec.ImageConfig, layers ...ocispec.Descriptor) error {
	config.Labels = map[string]string{"dev.bookend.critest": repository}
	image := ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   config,
		RootFS:   ocispec.RootFS{Type: "layers"},
	}
	for _, layer := range layers {
		image.RootFS.DiffIDs = append(image.RootFS.DiffIDs, layer.Digest) // uncompressed: they are the same
	}
	configBlob, err := json.Marshal(image)
	if err != nil {
		return fmt.Errorf("image %s: %w", repository, err)
	}
	manifest, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    s.put(ocispec.MediaTypeImageConfig, configBlob),
		Layers:    layers,
	})
	if err != nil {
		return fmt.Errorf("image %s: %w", repository, err)
	}
	s.manifests[repository] = s.put(ocispec.MediaTypeImageManifest, manifest).Digest
	return nil
}
