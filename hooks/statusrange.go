package hooks

import (
	"strconv"
	"strings"
)

// statusRanges reads expectStatus: ranges or single statuses of three digits,
// 100 to 599, separated by commas, blanks around each allowed. A YAML integer
// is a single status.
//
//	ranges = range *("," range)
//	range  = status ["-" status]      ; the first not above the second
func (v *value) statusRanges() ([]StatusRange, error) {
	if v.kind != kindInt && v.kind != kindString {
		return nil, v.wrongKind("a string or an integer")
	}
	var ranges []StatusRange
	for part := range strings.SplitSeq(v.text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		r := StatusRange{First: statusCode(first), Last: statusCode(last)}
		if r.First == 0 || r.Last == 0 || r.First > r.Last {
			return nil, v.fail(`must be HTTP statuses such as "200-399" or "200,204", got %s`, quote(v.text))
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

// statusCode reads a status code; 0 for anything else.
func statusCode(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || len(s) != 3 || n < 100 || n > 599 {
		return 0
	}
	return n
}
