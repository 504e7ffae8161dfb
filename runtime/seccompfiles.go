package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"bookend.dev/bookend/runtime/wire"
)

// seccompFiles are the programs that all shims of a node share: one file each,
// by the name of its digest. Shims that race write the same twice.
type seccompFiles struct{ *nodeFiles }

func newSeccompFiles(dir string) seccompFiles { return seccompFiles{newNodeFiles(dir)} }

// load returns the program of a digest; nil: it is not there, which is no error.
func (s seccompFiles) load(digest string) (*wire.SeccompProgram, error) {
	data, err := s.nodeFiles.load(digest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var program *wire.SeccompProgram
	if err == nil {
		program, err = parseSeccompProgram(data)
	}
	if err != nil {
		return nil, fmt.Errorf("read seccomp program %s in %s: %w", digest, s.dir, err)
	}
	return program, nil
}

// save keeps a program.
func (s seccompFiles) save(digest string, program *wire.SeccompProgram) error {
	data, err := json.Marshal(program)
	if err == nil {
		err = s.nodeFiles.save(digest, data)
	}
	if err != nil {
		return fmt.Errorf("keep seccomp program %s in %s: %w", digest, s.dir, err)
	}
	return nil
}
