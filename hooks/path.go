package hooks

import (
	"strconv"
	"strings"
)

// path is the place of a value in its document. Paths share their parents and
// are spelt out only for an error, so that a long key costs its length once.
type path struct {
	parent *path
	name   string // of a field
	index  int    // of a list's item, where name is empty
	field  bool
}

// pathLimit bounds what an error spells of a path, in bytes.
const pathLimit = 512

func (p *path) child(name string) *path { return &path{parent: p, name: name, field: true} }
func (p *path) item(index int) *path    { return &path{parent: p, index: index} }

// String spells the path as Kubernetes does: postStart.httpGet.httpHeaders[1].name.
// A name that does not look like a field's is quoted. The root is "". A path
// that only a hostile document can have is cut.
func (p *path) String() string {
	var parts []string
	for ; p != nil; p = p.parent {
		switch {
		case !p.field:
			parts = append(parts, "["+strconv.Itoa(p.index)+"]")
		case isFieldName(p.name):
			parts = append(parts, "."+p.name)
		default:
			parts = append(parts, "["+quote(p.name)+"]")
		}
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	s := strings.TrimPrefix(b.String(), ".")
	if clipped := clip(s, pathLimit); clipped != s {
		return clipped + "…"
	}
	return s
}

func isFieldName(s string) bool {
	if s == "" || len(s) > quoteLimit {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
