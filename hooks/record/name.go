package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A record's name sorts by its start and says whose it is, so that the pruning
// need not read it: 20 digits of nanoseconds since 1970, 8 hexadecimal digits of
// the container. Older versions had 8 digits of chance there: what they wrote
// counts as one record each of containers of their own.
const (
	timeDigits      = 20
	containerDigits = 8
	extension       = ".jsonl"
)

func newName(started time.Time, c Subject) string {
	return fmt.Sprintf("%0*d-%s%s", timeDigits, max(started.UnixNano(), 0), shortHash(c), extension)
}

// shortHash tells containers apart, but for one pair in four thousand millions.
func shortHash(c Subject) string {
	sum := sha256.Sum256([]byte(c.Namespace + "/" + c.Container))
	return hex.EncodeToString(sum[:containerDigits/2])
}

// parseName tells whether a file is a record by its name, when it started, and
// the hash of its container.
func parseName(name string) (started time.Time, container string, ok bool) {
	id, ok := strings.CutSuffix(name, extension)
	if !ok || len(id) != timeDigits+1+containerDigits || id[timeDigits] != '-' {
		return time.Time{}, "", false
	}
	container = id[timeDigits+1:]
	if _, err := hex.DecodeString(container); err != nil {
		return time.Time{}, "", false
	}
	nanos, err := strconv.ParseUint(id[:timeDigits], 10, 63)
	return time.Unix(0, int64(nanos)), container, err == nil
}
