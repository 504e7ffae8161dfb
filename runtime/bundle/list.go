package bundle

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"bookend.dev/bookend/hooks"
)

// PodMembers returns the ids of the containers whose bundles lie in dir and
// that belong to the pod of a sandbox, the sandbox itself left out. A bundle
// that cannot be read is passed over: it may be on its way out. A container's id is
// that of no sandbox, which its own bundle tells at once.
func PodMembers(dir, sandboxID string) ([]string, error) {
	own, err := ReadAnnotations(filepath.Join(dir, sandboxID))
	if err == nil && own[hooks.AnnotationContainerType] == hooks.ContainerTypeContainer {
		return nil, nil
	}
	return list(dir, func(id string, l *lookup) bool {
		bundle := filepath.Join(dir, id)
		if id == sandboxID || !l.mentions(sandboxID, filepath.Join(bundle, configFile)) {
			return false
		}
		annotations, err := ReadAnnotations(bundle)
		return err == nil && annotations[hooks.AnnotationSandboxID] == sandboxID &&
			annotations[hooks.AnnotationContainerType] == hooks.ContainerTypeContainer
	})
}

// ServedBy returns the ids of the containers whose bundles lie in dir and which the
// shim at an address serves. A bundle that cannot be read is passed over.
func ServedBy(dir, address string) ([]string, error) {
	socket := filepath.Base(address)
	return list(dir, func(id string, l *lookup) bool {
		bundle := filepath.Join(dir, id)
		if !l.mentions(socket, filepath.Join(bundle, bootstrapFile), filepath.Join(bundle, AddressFile)) {
			return false
		}
		of, err := ShimAddress(bundle)
		return err == nil && of == address
	})
}

// list returns the ids of the bundles in dir that are wanted.
func list(dir string, wanted func(id string, l *lookup) bool) ([]string, error) {
	bundles, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var l lookup
	var ids []string
	for _, b := range bundles {
		if wanted(b.Name(), &l) {
			ids = append(ids, b.Name())
		}
	}
	return ids, nil
}

// lookup looks through files. Nearly all bundles of a node are of other pods: to decode
// theirs would take most of the time of a clean-up, and a buffer for each the rest.
type lookup struct{ buf bytes.Buffer }

// mentions tells whether the first of these files that is there can be read and has a
// text in it: an id, or a socket's name, neither of which has a character that JSON
// escapes.
func (l *lookup) mentions(text string, paths ...string) bool {
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false
		}
		l.buf.Reset()
		_, err = l.buf.ReadFrom(f)
		f.Close()
		return err == nil && bytes.Contains(l.buf.Bytes(), []byte(text))
	}
	return false
}
