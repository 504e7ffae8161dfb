package runtime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// recordsFile in a bundle names the directory with the records of its container,
// for whoever cleans up after its shim.
const recordsFile = "bookend-records"

// WriteRecordsDir leaves in a bundle the directory of its container's records.
func WriteRecordsDir(bundle, dir string) error {
	return os.WriteFile(filepath.Join(bundle, recordsFile), []byte(dir), 0o600)
}

// ReadRecordsDir returns what [WriteRecordsDir] left; empty for a container
// without hooks.
func ReadRecordsDir(bundle string) (string, error) {
	dir, err := os.ReadFile(filepath.Join(bundle, recordsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(dir), err
}
