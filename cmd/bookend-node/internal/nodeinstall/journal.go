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
	// Failed is the set of binaries that did the node harm, and what it was installed as.
	Failed string `json:"failed,omitempty"`
	// Restarts are how often containerd was restarted since a moment.
	Restarts int       `json:"restarts,omitempty"`
	Since    time.Time `json:"since,omitzero"`
}

// settled is what stays known when no restart is due.
func (j journal) settled() journal {
	return journal{Failed: j.Failed, Restarts: j.Restarts, Since: j.Since}
}

// Another program that writes containerd's configuration time and again is not answered
// by as many restarts: no more than these in a time.
const (
	restartsMost = 4
	restartsTime = time.Hour
)

// often tells whether no restart may follow now.
func (j journal) often(now time.Time) bool {
	return j.Restarts >= restartsMost && j.recent(now)
}

// recent tells whether restarts are counted still. A clock that was set back counts anew.
func (j journal) recent(now time.Time) bool {
	age := now.Sub(j.Since)
	return age >= 0 && age < restartsTime
}

// restarted notes a restart.
func (j *journal) restarted(now time.Time) {
	if !j.recent(now) {
		j.Restarts, j.Since = 0, now
	}
	j.Restarts++
	j.Restart, j.At = Restarted, now
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
