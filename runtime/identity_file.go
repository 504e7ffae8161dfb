package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// identityAge bounds how long an answer is kept: a wrapper's own file stays the
// same where what it wraps is upgraded.
const identityAge = time.Hour

// identityLimit bounds the file of an answer, in bytes.
const identityLimit = 1 << 14

// binaryKey tells a runtime's binary from another that takes its place.
type binaryKey struct {
	Path     string `json:"path"`
	Identity string `json:"identity"`
}

func binaryKeyOf(path string) (binaryKey, error) {
	identity, err := binaryIdentity(os.Stat(path))
	return binaryKey{Path: path, Identity: identity}, err
}

// binaryIdentity tells one binary from another that takes its place, by what stat(2)
// says.
func binaryIdentity(st fs.FileInfo, err error) (string, error) {
	if err != nil {
		return "", err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a file", st.Name())
	}
	return fmt.Sprintf("%d:%d %d bytes %d.%09d %d.%09d", sys.Dev, sys.Ino, sys.Size,
		sys.Mtim.Sec, sys.Mtim.Nsec, sys.Ctim.Sec, sys.Ctim.Nsec), nil
}

// fileName is one for each path, so that there is no more than one file for each
// runtime of the node.
func (k binaryKey) fileName() string {
	sum := sha256.Sum256([]byte(k.Path))
	return hex.EncodeToString(sum[:8]) + ".json"
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

// read returns the answer that was kept of this very binary. A file that is not
// exactly as it was written is as good as none.
func (i identityFiles) read(key binaryKey) (Identity, bool) {
	data, err := i.within(func(dir *os.Root) ([]byte, error) {
		return readTrusted(dir, key.fileName(), identityLimit)
	})
	if err != nil {
		return Identity{}, false
	}
	text, sum, _ := strings.Cut(string(data), "\n")
	if sum != checksum(text) {
		return Identity{}, false
	}
	var kept identityFile
	if err := json.Unmarshal([]byte(text), &kept); err != nil || kept.Binary != key {
		return Identity{}, false
	}
	age := time.Since(kept.Asked)
	return kept.Identity, age >= 0 && age < identityAge
}

func (i identityFiles) write(key binaryKey, identity Identity, asked time.Time) error {
	text, err := json.Marshal(identityFile{Binary: key, Asked: asked, Identity: identity})
	if err != nil {
		return err
	}
	_, err = i.within(func(dir *os.Root) ([]byte, error) {
		return nil, writeWhole(dir, key.fileName(), fmt.Appendf(nil, "%s\n%s", text, checksum(string(text))))
	})
	return err
}

func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
