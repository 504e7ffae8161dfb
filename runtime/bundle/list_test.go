package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPodMembersAreTheContainersOfThatSandbox(t *testing.T) {
	dir := t.TempDir()
	member := `{"annotations":{"io.kubernetes.cri.sandbox-id":"pod","io.kubernetes.cri.container-type":"container"}}`
	writeBundle(t, dir, "pod", `{"annotations":{"io.kubernetes.cri.sandbox-id":"pod","io.kubernetes.cri.container-type":"sandbox"}}`)
	writeBundle(t, dir, "one", member)
	writeBundle(t, dir, "two", member)
	writeBundle(t, dir, "stranger", `{"annotations":{"io.kubernetes.cri.sandbox-id":"other","io.kubernetes.cri.container-type":"container"}}`)
	writeBundle(t, dir, "plain", `{}`)
	writeBundle(t, dir, "torn", `{"annotations":`)
	got, err := PodMembers(dir, "pod")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := []string{"one", "two"}; !slices.Equal(got, want) {
		t.Errorf("PodMembers = %v, want %v", got, want)
	}
	writeBundle(t, dir, "odd", `{"annotations":{"io.kubernetes.cri.sandbox-id":"one","io.kubernetes.cri.container-type":"container"}}`)
	if got, err := PodMembers(dir, "one"); err != nil || len(got) > 0 {
		t.Errorf("a container has the members %v, %v", got, err)
	}
	if got, err := PodMembers(dir, "other"); err != nil || !slices.Equal(got, []string{"stranger"}) {
		t.Errorf("a sandbox without a bundle has the members %v, %v", got, err)
	}
}

func TestServedByIsWhoHasTheShimsAddress(t *testing.T) {
	dir := t.TempDir()
	for id, address := range map[string]string{"pod": "unix:///run/s/x", "one": "unix:///run/s/x", "stranger": "unix:///run/s/xy", "none": ""} {
		writeBundle(t, dir, id, `{}`)
		if address == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, id, "bootstrap.json"), []byte(`{"address":"`+address+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeBundle(t, dir, "old", `{}`) // of containerd 1.7
	if err := os.WriteFile(filepath.Join(dir, "old", AddressFile), []byte("unix:///run/s/x"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ServedBy(dir, "unix:///run/s/x")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"old", "one", "pod"}; !slices.Equal(got, want) {
		t.Errorf("ServedBy = %v, want %v", got, want)
	}
	if _, err := ServedBy(filepath.Join(dir, "gone"), ""); err == nil {
		t.Error("a directory that is not there was listed")
	}
}

// A clean-up looks at the bundles of the whole node. What it does for one of another pod
// is an open file and a read.
func TestStrangersAreNotDecoded(t *testing.T) {
	const strangers, atMost = 50, 12 // allocations for each
	dir := t.TempDir()
	writeBundle(t, dir, "pod", `{"annotations":{"io.kubernetes.cri.container-type":"sandbox"}}`)
	for i := range strangers {
		id := fmt.Sprintf("stranger-%d", i)
		writeBundle(t, dir, id, `{"process":{"args":["`+strings.Repeat("x", 20<<10)+`"]},"annotations":{"io.kubernetes.cri.sandbox-id":"other"}}`)
		if err := os.WriteFile(filepath.Join(dir, id, bootstrapFile), []byte(`{"address":"unix:///run/s/other"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, look := range map[string]func() ([]string, error){
		"PodMembers": func() ([]string, error) { return PodMembers(dir, "pod") },
		"ServedBy":   func() ([]string, error) { return ServedBy(dir, "unix:///run/s/pod") },
	} {
		got := testing.AllocsPerRun(5, func() {
			if ids, err := look(); err != nil || len(ids) > 0 {
				t.Errorf("%s: %v, %v", name, ids, err)
			}
		})
		t.Logf("%s: %.1f allocations for a stranger", name, got/strangers)
		if got > strangers*atMost {
			t.Errorf("%s: %.1f allocations for a stranger, want %d at most", name, got/strangers, atMost)
		}
	}
}
