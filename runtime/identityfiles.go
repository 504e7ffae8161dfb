package runtime

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// identityAge bounds how long an answer is kept: a wrapper's own file stays the
// same where what it wraps is upgraded.
const identityAge = time.Hour

// binaryKey tells a runtime's binary from another that takes its place.
type binaryKey struct {
	Path     string `json:"path"`
	Identity string `json:"identity"`
}

func binaryKeyOf(path string) (binaryKey, error) {
	st, err := os.Stat(path)
	if err != nil {
		return binaryKey{}, err
	}
	identity, err := binaryIdentity(path, st)
	return binaryKey{Path: path, Identity: identity}, err
}

// binaryIdentity tells one binary from another that takes its place, by what stat(2)
// says.
func binaryIdentity(path string, st fs.FileInfo) (string, error) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", path)
	}
	return fmt.Sprintf("%d:%d %d bytes %d.%09d %d.%09d", sys.Dev, sys.Ino, sys.Size,
		sys.Mtim.Sec, sys.Mtim.Nsec, sys.Ctim.Sec, sys.Ctim.Nsec), nil
}

// fileName is one for each path, so that there is no more than one file for each
// runtime of the node.
func (k binaryKey) fileName() string {
	sum := sha256.Sum256([]byte(k.Path))
	return fmt.Sprintf("%x.json", sum[:8])
}

// identityFile is what is kept of an answer.
type identityFile struct {
	Binary   binaryKey `json:"binary"`
	Asked    time.Time `json:"asked"`
	Identity Identity  `json:"identity"`
}

// identityFiles are the answers that all shims of a node share.
type identityFiles struct{ *nodeFiles }

// newIdentityFiles returns those below a directory.
func newIdentityFiles(dir string) identityFiles {
	return identityFiles{newNodeFiles(filepath.Join(dir, "runtimes"))}
}

// read returns the answer that was kept of this very binary.
func (i identityFiles) read(key binaryKey) (Identity, bool) {
	data, err := i.load(key.fileName())
	if err != nil {
		return Identity{}, false
	}
	var kept identityFile
	if err := json.Unmarshal(data, &kept); err != nil || kept.Binary != key {
		return Identity{}, false
	}
	age := time.Since(kept.Asked)
	return kept.Identity, age >= 0 && age < identityAge
}

func (i identityFiles) write(key binaryKey, identity Identity, asked time.Time) error {
	data, err := json.Marshal(identityFile{Binary: key, Asked: asked, Identity: identity})
	if err != nil {
		return err
	}
	return i.save(key.fileName(), data)
}
