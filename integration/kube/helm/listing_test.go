package helm

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// listing is each thing that there is, and what it is like.
type listing map[string]string

// differences are those of two listings, one a line.
func (l listing) differences(before listing) string {
	var all strings.Builder
	names := maps.Clone(l)
	maps.Copy(names, before)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if l[name] != before[name] {
			fmt.Fprintf(&all, "\t%s: is %q, was %q\n", name, l[name], before[name])
		}
	}
	return all.String()
}

// stays are what docs/kubernetes.md says to stay on a node.
var stays = []string{"/run/bookend", "/var/lib/bookend-node"}

// others are of programs that run on every node: their files come and go with pods.
var others = []string{"/run/xtables.lock", "/var/lib/cni", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/kubernetes"}

// files lists what is written on the node: what its covered directories have that is
// not as it is on the machine, and all of /var/lib.
func files() (listing, error) {
	all := listing{}
	for _, c := range covers {
		err := walk(c.Written, func(path string) error {
			at := filepath.Join(c.Dir, path)
			now, err := describe(at)
			before, errBefore := describe(filepath.Join(c.Before, path))
			if now != before && !below(at, others) && !below(at, stays) {
				all[at] = now
			}
			return errors.Join(err, errBefore)
		})
		if err != nil {
			return nil, err
		}
	}
	const lib = "/var/lib"
	err := walk(lib, func(path string) error {
		at := filepath.Join(lib, path)
		if below(at, others) {
			return fs.SkipDir
		}
		now, err := describe(at)
		if !below(at, stays) {
			all[at] = now
		}
		return err
	})
	return all, err
}

// walk calls see with each path below dir, relative to that.
func walk(dir string, see func(path string) error) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return see(rel)
	})
}

func below(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") })
}

// describe is the mode, owner, size and content of a file; empty: there is none.
func describe(path string) (string, error) {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		return "link to " + to, err
	case !st.Mode().IsRegular():
		return st.Mode().String(), nil
	}
	content, err := os.ReadFile(path)
	return fmt.Sprintf("%v %d %x", st.Mode(), len(content), sha256.Sum256(content)), err
}
