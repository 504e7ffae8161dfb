package record

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A record's name sorts by the attempt's start and is unlike any other's:
// 20 digits of nanoseconds since 1970, 8 hexadecimal digits of chance.
const (
	timeDigits   = 20
	chanceDigits = 8
	extension    = ".jsonl"
)

func newName(started time.Time) string {
	var chance [chanceDigits / 2]byte
	_, _ = rand.Read(chance[:]) // it never fails
	return fmt.Sprintf("%0*d-%s%s", timeDigits, max(started.UnixNano(), 0), hex.EncodeToString(chance[:]), extension)
}

// parseName tells whether a file is a record by its name, and when the attempt
// started.
func parseName(name string) (started time.Time, ok bool) {
	id, ok := strings.CutSuffix(name, extension)
	if !ok || len(id) != timeDigits+1+chanceDigits || id[timeDigits] != '-' {
		return time.Time{}, false
	}
	if _, err := hex.DecodeString(id[timeDigits+1:]); err != nil {
		return time.Time{}, false
	}
	nanos, err := strconv.ParseUint(id[:timeDigits], 10, 63)
	return time.Unix(0, int64(nanos)), err == nil
}
