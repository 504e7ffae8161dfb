package show

import "crypto/sha256"

// written is what [Logs] remembers of a record: not what its hook printed, of
// which there is no end where records are followed.
type written struct {
	title          string
	stdout, stderr mark
}

// mark is how far an output has been written.
type mark struct {
	size int
	sum  [sha256.Size]byte // of so many bytes
}

func newMark(output []byte) mark { return mark{len(output), sha256.Sum256(output)} }

// added is what of the output was not there before: all of it, where the end of
// what was printed has moved on.
func (m mark) added(output []byte) []byte {
	if m.size > 0 && m.size <= len(output) && newMark(output[:m.size]) == m {
		return output[m.size:]
	}
	return output
}
