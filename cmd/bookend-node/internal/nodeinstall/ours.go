package nodeinstall

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// oursName is a file that is there where an agent, and no person before it, has
// installed bookend on the node. What a person has installed an agent brings up to date,
// and leaves there when it goes.
const oursName = "installed"

// ours tells whether the installation is the agents' to remove.
func ours(state string) bool {
	_, err := os.Stat(filepath.Join(state, oursName))
	return !errors.Is(err, fs.ErrNotExist)
}

// setOurs notes that.
func setOurs(state string, are bool) error {
	path := filepath.Join(state, oursName)
	if !are {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o600)
}
