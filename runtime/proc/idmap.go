package proc

import (
	"fmt"
	"strings"
)

// IDMap maps the ids of a user namespace to those of this process': see
// user_namespaces(7).
type IDMap []struct{ inside, outside, size int64 }

// ReadIDMaps reads those of the process' user namespace.
func (d *Dir) ReadIDMaps() (uids, gids IDMap, err error) {
	if uids, err = d.readIDMap("uid_map"); err != nil {
		return nil, nil, err
	}
	gids, err = d.readIDMap("gid_map")
	return uids, gids, err
}

func (d *Dir) readIDMap(name string) (IDMap, error) {
	data, err := d.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseIDMap(data)
}

// ParseIDMap reads the text of a map.
func ParseIDMap(data []byte) (IDMap, error) {
	var m IDMap
	for line := range strings.Lines(string(data)) {
		m = append(m, struct{ inside, outside, size int64 }{})
		r := &m[len(m)-1]
		if _, err := fmt.Sscan(line, &r.inside, &r.outside, &r.size); err != nil {
			return nil, fmt.Errorf("malformed map of ids %q: %w", line, err)
		}
	}
	return m, nil
}

// Outside returns who, out here, is id in there; not ok: the id is not mapped.
func (m IDMap) Outside(id uint32) (outside int, ok bool) {
	for _, r := range m {
		if d := int64(id) - r.inside; d >= 0 && d < r.size {
			return int(r.outside + d), true
		}
	}
	return 0, false
}
