package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// registry serves a store over the pull half of the OCI distribution API. Host and path of a name
// don't matter, only its last element does, and any tag will do: critest's releases move the
// same images about. A digest must be the right one.
type registry struct{ store *store }

// ServeHTTP answers GET and HEAD of /v2/, manifests and blobs.
func (r registry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		http.Error(w, "read only", http.StatusMethodNotAllowed)
		return
	}
	repository, kind, reference := splitPath(request.URL.Path)
	switch kind {
	case "":
		w.WriteHeader(http.StatusOK) // /v2/ itself: yes, this is a registry
	case "manifests":
		id, isTag := r.store.manifests[path.Base(repository)]
		if !isTag || strings.Contains(reference, ":") {
			id = digest.Digest(reference)
		}
		r.serve(w, request, id, ocispec.MediaTypeImageManifest)
	case "blobs":
		r.serve(w, request, digest.Digest(reference), "application/octet-stream")
	default:
		http.NotFound(w, request)
	}
}

// splitPath takes /v2/<repository>/<kind>/<reference> apart. kind is empty for /v2/.
func splitPath(urlPath string) (repository, kind, reference string) {
	rest, isV2 := strings.CutPrefix(urlPath, "/v2/")
	if !isV2 {
		return "", "unknown", ""
	}
	if rest == "" {
		return "", "", ""
	}
	elements := strings.Split(rest, "/")
	if len(elements) < 3 {
		return "", "unknown", ""
	}
	last := len(elements) - 1
	return path.Join(elements[:last-1]...), elements[last-1], elements[last]
}

func (r registry) serve(w http.ResponseWriter, request *http.Request, id digest.Digest, mediaType string) {
	blob, ok := r.store.blobs[id]
	if !ok {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", id.String())
	http.ServeContent(w, request, "", time.Time{}, bytes.NewReader(blob))
}

// writeHosts makes dir a registry configuration for containerd that sends the pulls of every
// registry to address.
func writeHosts(dir, address string) error {
	dir = filepath.Join(dir, "_default")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	hosts := fmt.Sprintf("server = \"http://%[1]s\"\n\n[host.\"http://%[1]s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", address)
	return os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(hosts), 0o644)
}
