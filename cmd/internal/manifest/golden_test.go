package manifest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden holds got against the file of that name in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// read returns a file of testdata.
func read(t testing.TB, name ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// files returns the names of the files in a directory of testdata that end in
// one of suffixes.
func files(t testing.TB, dir string, suffixes ...string) []string {
	t.Helper()
	var names []string
	for _, suffix := range suffixes {
		found, err := filepath.Glob(filepath.Join("testdata", dir, "*"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			names = append(names, filepath.Base(name))
		}
	}
	if len(names) == 0 {
		t.Fatalf("no files in testdata/%s", dir)
	}
	return names
}

// text renders a report as people see it.
func (r *Report) text() []byte {
	var b bytes.Buffer
	for _, f := range r.Findings {
		fmt.Fprintln(&b, f)
	}
	fmt.Fprintf(&b, "%d objects\n", r.Objects)
	return b.Bytes()
}
