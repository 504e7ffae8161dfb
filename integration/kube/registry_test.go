package kube

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// serveImage has containerd pull an image, whatever the tag, from a registry of this
// test in place of a host's.
func (s *space) serveImage(host string, image harness.Image) {
	s.t.Helper()
	var archive bytes.Buffer
	if _, err := image.WriteTo(&archive); err != nil {
		s.t.Fatal(err)
	}
	registry := httptest.NewServer(newRegistry(s.t, &archive))
	s.t.Cleanup(registry.Close)
	dir := s.Daemon.Path("registry", host)
	hosts := fmt.Sprintf("server = %q\n[host.%q]\ncapabilities = ['pull', 'resolve']\n", registry.URL, registry.URL)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(hosts), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = os.RemoveAll(dir) })
}

// newRegistry serves the one image of an archive under every name.
func newRegistry(t *testing.T, archive io.Reader) http.Handler {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	var index ocispec.Index
	if err := json.Unmarshal(files[ocispec.ImageIndexFile], &index); err != nil {
		t.Fatal(err)
	}
	manifest := index.Manifests[0].Digest
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dir, reference := filepath.Split(r.URL.Path)
		if strings.HasSuffix(dir, "/manifests/") {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
			w.Header().Set("Docker-Content-Digest", manifest.String())
			reference = manifest.String()
		}
		content, ok := files["blobs/"+strings.Replace(reference, ":", "/", 1)]
		switch {
		case r.URL.Path == "/v2/":
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			if r.Method == http.MethodGet {
				_, _ = w.Write(content)
			}
		}
	})
}
