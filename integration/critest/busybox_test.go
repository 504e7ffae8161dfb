package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestCheckBusybox(t *testing.T) {
	standalone := script(t, "#!/bin/sh\nexit 0\n")
	if err := checkBusybox(t.Context(), standalone); !errors.Is(err, errStandalone) {
		t.Errorf("a shell that never looks on PATH: %v, want errStandalone", err)
	}
	// Called as "<script> sh -c <text>": it drops "sh" and is the shell itself.
	plain := script(t, "#!/bin/sh\nshift\nexec /bin/sh \"$@\"\n")
	if err := checkBusybox(t.Context(), plain); err != nil {
		t.Errorf("a shell that looks on PATH: %v", err)
	}
	if err := checkBusybox(t.Context(), plain+"-absent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no busybox: %v, want not exist", err)
	}
}

// A machine without lists of packages gets them first, and asks for the package once.
func TestFetchBusybox(t *testing.T) {
	bin, cache := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"apt-get": "#!/bin/sh\nif [ $1 = update ]; then touch " + bin + "/lists; else [ -e " + bin +
			"/lists ] && touch busybox_1_all.deb; fi\n",
		"dpkg-deb": "#!/bin/sh\nmkdir -p $3/usr/bin && printf '#!/bin/sh\\nshift\\nexec /bin/sh \"$@\"\\n' >$3/usr/bin/busybox && " +
			"chmod +x $3/usr/bin/busybox\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	unfit := script(t, "#!/bin/sh\nexit 0\n")
	want := filepath.Join(cache, "busybox", "usr/bin/busybox")
	if got, err := findBusybox(t.Context(), unfit, cache); got != want || err != nil {
		t.Errorf("%q, error %v; want %q", got, err, want)
	}
	if err := os.Remove(filepath.Join(bin, "apt-get")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	if got, err := findBusybox(t.Context(), unfit, cache); got != want || err != nil {
		t.Errorf("without the network: %q, error %v; want the one that is cached", got, err)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "busybox")
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
