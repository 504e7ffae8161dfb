package main

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every mutant is a program: one that does not compile is found by no test, and is
// no gap in them either.
func TestEveryMutantCompiles(t *testing.T) {
	root := filepath.Join("..", "..")
	c := &checker{t: t, root: root, fset: token.NewFileSet(), parsed: map[string]*ast.File{}}
	c.importer = importer.ForCompiler(c.fset, "gc", exports(t, root))
	for _, m := range all(t) {
		trials, err := newTrials(root, []mutant{m})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(m.file, trials[0].source); err != nil {
			t.Errorf("%s: %v", m.row, err)
		}
	}
}

// exports opens the export data of what bookend's packages import.
func exports(t *testing.T, root string) func(path string) (io.ReadCloser, error) {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./shim/...", "./hooks/...", "./runtime/...")
	list.Dir, list.Stderr = root, os.Stderr
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// checker checks the types of packages in which one file is another.
type checker struct {
	t        *testing.T
	root     string
	fset     *token.FileSet
	importer types.Importer
	parsed   map[string]*ast.File // by path; files as they are
}

func (c *checker) check(file, source string) error {
	dir := filepath.Join(c.root, filepath.Dir(file))
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := c.parse(filepath.Join(dir, name), name == filepath.Base(file), source)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	config := types.Config{Importer: c.importer}
	_, err = config.Check("bookend.dev/bookend/"+filepath.Dir(file), c.fset, files, nil)
	return err
}

func (c *checker) parse(path string, edited bool, source string) (*ast.File, error) {
	if edited {
		return parser.ParseFile(c.fset, path, source, 0)
	}
	if c.parsed[path] == nil {
		f, err := parser.ParseFile(c.fset, path, nil, 0)
		if err != nil {
			return nil, err
		}
		c.parsed[path] = f
	}
	return c.parsed[path], nil
}
