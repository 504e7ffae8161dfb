package nodeinstall

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bookend.dev/bookend/cmd/internal/atomicfile"
)

// journal is what the agent must know of its node after it was killed, and what
// neither the files nor containerd can tell.
type journal struct {
	// Restart is due from before the change of containerd's configuration on, and done
	// until the node is Ready again.
	Restart Stage `json:"restart,omitempty"`
	// Started is the run of containerd for which it became due.
	Started string `json:"started,omitempty"`
	// At is when it was restarted.
	At time.Time `json:"at,omitzero"`
	// Failed is the set of binaries that did the node harm.
	Failed string `json:"failed,omitempty"`
}

const journalName = "install.json"

func loadJournal(dir string) (j journal, err error) {
	path := filepath.Join(dir, journalName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &j)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return j, err
}

// save leaves no file where there is nothing to know.
func (j journal) save(dir string) error {
	path := filepath.Join(dir, journalName)
	if j == (journal{}) {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, append(data, '\n'), 0o600, -1, -1)
}
