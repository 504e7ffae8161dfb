package hooks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLocateConfig(t *testing.T) {
	for _, tt := range []struct {
		named, environment string
		want               ConfigFile
	}{
		{"", "", ConfigFile{Path: ConfigPath}},
		{"", "/e", ConfigFile{Path: "/e", Named: true}},
		{"/n", "", ConfigFile{Path: "/n", Named: true}},
		{"/n", "/e", ConfigFile{Path: "/n", Named: true}},
	} {
		if got := LocateConfig(tt.named, tt.environment); got != tt.want {
			t.Errorf("LocateConfig(%q, %q) = %+v, want %+v", tt.named, tt.environment, got, tt.want)
		}
	}
}

func TestLoadConfigFile(t *testing.T) {
	dir := t.TempDir()
	good, bad, absent := filepath.Join(dir, "good"), filepath.Join(dir, "bad"), filepath.Join(dir, "absent")
	for path, text := range map[string]string{good: "[policy]\nmaxRetries = 7\n", bad: "[policy]\nmaxRetries = -1\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	cfg, exists, err := ConfigFile{Path: good, Named: true}.Load()
	if err != nil || !exists || cfg.Policy.MaxRetries != 7 {
		t.Errorf("a good file: %+v, %v, %v", cfg, exists, err)
	}
	_, exists, err = ConfigFile{Path: bad}.Load()
	if invalid := new(InvalidError); !errors.As(err, &invalid) || !exists || !strings.Contains(err.Error(), bad) {
		t.Errorf("a bad file: %v, %v", exists, err)
	}
	cfg, exists, err = ConfigFile{Path: absent}.Load()
	if err != nil || exists || cfg.Policy.MaxRetries != DefaultConfig().Policy.MaxRetries {
		t.Errorf("no file, and none is needed: %+v, %v, %v", cfg, exists, err)
	}
	_, exists, err = ConfigFile{Path: absent, Named: true}.Load()
	if pathErr := new(fs.PathError); !errors.As(err, &pathErr) || !exists || !strings.HasPrefix(err.Error(), "configuration: ") {
		t.Errorf("no file where one is named: %v, %v", exists, err)
	}
}
