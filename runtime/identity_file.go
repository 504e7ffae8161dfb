package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// binaryKey tells one binary from another that takes its place.
type binaryKey struct {
	Path  string `json:"path"`
	Dev   uint64 `json:"dev"`
	Ino   uint64 `json:"ino"`
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"` // in nanoseconds
}

func binaryKeyOf(path string) (binaryKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return binaryKey{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return binaryKey{}, fmt.Errorf("%s is not a file", path)
	}
	return binaryKey{Path: path, Dev: st.Dev, Ino: st.Ino, Size: st.Size, Mtime: info.ModTime().UnixNano()}, nil
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
