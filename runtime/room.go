package runtime

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// What a small process that runs beside an init that is just being started must
// be left, with what the init itself needs for that.
const (
	roomPids   = 32       // a runtime written in Go starts a dozen threads
	roomMemory = 16 << 20 // a shell and its pages of the kernel take two or three
)

// hasRoom tells whether the limits of the container's cgroup, and of each above
// it, leave room for one small process while the init is being started. What
// cannot be read is no limit.
func (c *Cgroup) hasRoom() bool {
	if p := c.membership("pids"); p != nil {
		for dir := range p.upwards() {
			if limit, ok := readLimit(dir, "pids.max"); ok && limit-used(dir, "pids.current") < roomPids {
				return false
			}
		}
	}
	limit, usage, cache := "memory.max", "memory.current", "inactive_file"
	if !c.isUnified() {
		limit, usage, cache = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
	}
	if p := c.membership("memory"); p != nil {
		for dir := range p.upwards() {
			left, ok := readLimit(dir, limit)
			if !ok {
				continue
			}
			// The sum over the cache is dear, and most often not needed.
			if left -= used(dir, usage); left < roomMemory && left+stat(dir, "memory.stat", cache) < roomMemory {
				return false
			}
		}
	}
	return true
}

// upwards goes from the container's directory to the top of the hierarchy, as
// far as it is mounted.
func (p *membership) upwards() func(yield func(dir string) bool) {
	return func(yield func(string) bool) {
		for dir := p.dir; yield(dir) && dir != p.top && len(dir) > len(p.top); {
			dir = filepath.Dir(dir)
		}
	}
}

// readLimit reads a limit; not ok: there is none.
func readLimit(dir, file string) (limit int64, ok bool) {
	limit, err := strconv.ParseInt(readCgroup(dir, file), 10, 64) // "max" is none
	return limit, err == nil && limit < math.MaxInt64/2           // v1's unlimited is all but its last pages
}

// used reads what is used; what cannot be read is nothing.
func used(dir, file string) int64 {
	n, _ := strconv.ParseInt(readCgroup(dir, file), 10, 64)
	return n
}

// stat reads one figure of a file of "name figure" lines; 0: it has none.
func stat(dir, file, name string) int64 {
	for line := range strings.Lines(readCgroup(dir, file)) {
		if key, figure, _ := strings.Cut(strings.TrimSpace(line), " "); key == name {
			n, _ := strconv.ParseInt(figure, 10, 64)
			return n
		}
	}
	return 0
}
