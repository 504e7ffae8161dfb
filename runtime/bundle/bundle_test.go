package bundle

import (
	"os"
	"path/filepath"
	"testing"
)

func writeBundle(t *testing.T, dir, id, config string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, id), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, id, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadAnnotationsNamesTheFileItCannotRead(t *testing.T) {
	dir := t.TempDir()
	writeBundle(t, dir, "torn", `{"annotations":`)
	if _, err := ReadAnnotations(filepath.Join(dir, "torn")); err == nil {
		t.Error("a torn config.json was read without an error")
	}
	if _, err := ReadAnnotations(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing bundle was read without an error")
	}
}

func TestShimAddressIsTheOneContainerdRecorded(t *testing.T) {
	dir := t.TempDir()
	if _, err := ShimAddress(dir); err == nil {
		t.Error("a bundle without a record has an address")
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap.json"), []byte(`{"version":3,"address":"unix:///run/s/x","protocol":"ttrpc"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ShimAddress(dir); err != nil || got != "unix:///run/s/x" {
		t.Errorf("ShimAddress = %q, %v", got, err)
	}
}

func TestReadCgroupsPathIsThatOfTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	writeBundle(t, dir, "plain", `{}`)
	writeBundle(t, dir, "web", `{"linux":{"cgroupsPath":"/k8s.io/web"}}`)
	for id, want := range map[string]string{"plain": "", "web": "/k8s.io/web"} {
		if got, err := ReadCgroupsPath(filepath.Join(dir, id)); err != nil || got != want {
			t.Errorf("%s: got %q, %v", id, got, err)
		}
	}
	if _, err := ReadCgroupsPath(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing bundle was read without an error")
	}
}

func TestWriteShimPathLeavesWhatContainerdHasNoted(t *testing.T) {
	dir := t.TempDir()
	if got, err := ReadShimPath(dir); err != nil || got != "" {
		t.Errorf("without a note: got %q, %v", got, err)
	}
	for _, path := range []string{"/usr/local/bin/shim", "/elsewhere/shim"} {
		if err := WriteShimPath(dir, path); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadShimPath(dir); err != nil || got != "/usr/local/bin/shim" {
			t.Errorf("got %q, %v, want the first", got, err)
		}
	}
}
