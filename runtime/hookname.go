package runtime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

const (
	// hookCgroupPrefix begins the names of hooks' cgroups; a small number
	// follows. Few names are used again and again: to whoever keeps metrics of
	// cgroups, each new one is a new series.
	hookCgroupPrefix = "bookend-"
	// hookNamesMost bounds the search for a name: so many are only taken where
	// a container takes them itself.
	hookNamesMost = 1024
)

// hookNames are the names of hooks' cgroups in one container. One that a hook
// or the killing of one still uses is not given away.
type hookNames struct {
	mu    sync.Mutex
	users map[string]int // by name; absent: none
}

// take makes the directory of the lowest free name in dir. What was left there
// under that name, or the container has made, is removed if it is empty and
// passed over if not: take must not kill the processes in it.
func (n *hookNames) take(dir string, unified bool) (*hookCgroup, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range hookNamesMost {
		h := &hookCgroup{name: hookCgroupPrefix + strconv.Itoa(i), unified: unified, names: n}
		if n.users[h.name] > 0 {
			continue
		}
		h.dir = filepath.Join(dir, h.name)
		err := os.Mkdir(h.dir, 0o755)
		if errors.Is(err, fs.ErrExist) && h.clear() {
			err = os.Mkdir(h.dir, 0o755)
		}
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n.users == nil {
			n.users = map[string]int{}
		}
		n.users[h.name] = 1
		return h, nil
	}
	return nil, errNoName
}

// hold adds a user to a name that is in use.
func (n *hookNames) hold(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.users[name]++
}

// drop ends one use of a name.
func (n *hookNames) drop(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.users[name]--; n.users[name] <= 0 {
		delete(n.users, name)
	}
}
