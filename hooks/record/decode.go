package record

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// decode reads the lines of a record. The first must be whole and of some
// version; a later one that is torn or is not a JSON object is passed over. What
// a newer version says in another way is left out.
func decode(data []byte) (Record, error) {
	if len(data) == 0 {
		return Record{}, errEmpty
	}
	var r Record
	first := true
	for line := range bytes.Lines(data) {
		ok := overlay(&r, line)
		if first && (!ok || r.Version < 1) {
			return Record{}, fmt.Errorf("%w: its first line is not a JSON object with a version", ErrForeign)
		}
		first = false
	}
	return r, nil
}

// overlay puts the fields of a line over those of r and tells whether it could.
func overlay(r *Record, line []byte) bool {
	if !bytes.HasSuffix(line, []byte("\n")) || !bytes.HasPrefix(line, []byte("{")) || !json.Valid(line) {
		return false
	}
	code := r.ExitCode
	if json.Unmarshal(line, r) != nil { // of fields that are not what they are to be
		r.ExitCode = code // which would be 0 where it is one of them
	}
	return true
}
