package hooks

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds the package to its promise: the domain knows nothing of
// the rest of bookend, of containerd, and outside its tests of Kubernetes.
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source files: %v", err)
	}
	for _, name := range files {
		forbidden := []string{"bookend.dev/", "github.com/containerd/", "github.com/opencontainers/"}
		if !strings.HasSuffix(name, "_test.go") {
			forbidden = append(forbidden, "k8s.io/", "sigs.k8s.io/")
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, prefix := range forbidden {
				if strings.HasPrefix(path, prefix) {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
