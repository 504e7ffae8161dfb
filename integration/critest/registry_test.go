package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func testStore(t *testing.T) (*store, []byte) {
	t.Helper()
	l := newLayer()
	l.file("/hello", 0o644, []byte("hello"))
	content, err := l.finish()
	if err != nil {
		t.Fatal(err)
	}
	s := newStore()
	blob := s.put(ocispec.MediaTypeImageLayer, content)
	for _, name := range []string{"busybox", "pause"} {
		if err := s.tag(name, ocispec.ImageConfig{User: "7"}, blob); err != nil {
			t.Fatal(err)
		}
	}
	return s, content
}

func get(t *testing.T, server *httptest.Server, path string) (*http.Response, []byte) {
	t.Helper()
	response, err := server.Client().Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestRegistryServesAnImage(t *testing.T) {
	s, content := testStore(t)
	server := httptest.NewServer(registry{store: s})
	defer server.Close()

	response, body := get(t, server, "/v2/e2e-test-images/busybox/manifests/1.29-2?ns=registry.k8s.io")
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != ocispec.MediaTypeImageManifest {
		t.Fatalf("manifest: %s, type %s", response.Status, response.Header.Get("Content-Type"))
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(body, &manifest); err != nil {
		t.Fatal(err)
	}
	id := response.Header.Get("Docker-Content-Digest")
	if _, again := get(t, server, "/v2/busybox/manifests/"+id); !bytes.Equal(body, again) {
		t.Error("the manifest by digest is another")
	}
	_, layer := get(t, server, "/v2/busybox/blobs/"+manifest.Layers[0].Digest.String())
	if !bytes.Equal(layer, content) {
		t.Error("the layer is another")
	}
	_, configBlob := get(t, server, "/v2/busybox/blobs/"+manifest.Config.Digest.String())
	var image ocispec.Image
	if err := json.Unmarshal(configBlob, &image); err != nil {
		t.Fatal(err)
	}
	if image.Config.User != "7" || image.RootFS.DiffIDs[0] != manifest.Layers[0].Digest {
		t.Errorf("config %+v", image)
	}
}

func TestRegistryStatus(t *testing.T) {
	s, _ := testStore(t)
	unknown := "sha256:" + strings.Repeat("0", 64)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/v2/", http.StatusOK},
		{http.MethodHead, "/v2/pause/manifests/3.9", http.StatusOK},
		{http.MethodGet, "/v2/a/b/nothing/manifests/1", http.StatusNotFound},
		{http.MethodGet, "/v2/pause/manifests/" + unknown, http.StatusNotFound},
		{http.MethodGet, "/v2/pause/blobs/" + unknown, http.StatusNotFound},
		{http.MethodGet, "/v2/pause/tags/list", http.StatusNotFound},
		{http.MethodGet, "/v2/pause", http.StatusNotFound},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodPut, "/v2/pause/manifests/3.9", http.StatusMethodNotAllowed},
	} {
		recorder := httptest.NewRecorder()
		registry{store: s}.ServeHTTP(recorder, httptest.NewRequest(c.method, c.path, nil))
		if recorder.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, recorder.Code, c.want)
		}
	}
}

func TestRepositoriesShareNoImage(t *testing.T) {
	s, _ := testStore(t)
	if s.manifests["busybox"] == s.manifests["pause"] {
		t.Error("two repositories have one image")
	}
}

func TestWriteHosts(t *testing.T) {
	dir := t.TempDir()
	if err := writeHosts(dir, "127.0.0.1:4000"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "_default", "hosts.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`server = "http://127.0.0.1:4000"`, `[host."http://127.0.0.1:4000"]`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("hosts.toml lacks %s:\n%s", want, got)
		}
	}
}
