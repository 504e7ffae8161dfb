package hooks

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// kind is the type of a value, spelt as errors spell it.
type kind string

const (
	kindNull   kind = "null"
	kindBool   kind = "a boolean"
	kindInt    kind = "an integer"
	kindFloat  kind = "a fractional number"
	kindString kind = "a string"
	kindList   kind = "a list"
	kindTable  kind = "a mapping"
	kindDate   kind = "a date" // TOML's own
)

// value is a node of a document, whether it was written in YAML, JSON or TOML:
// the grammar reads this and nothing else.
type value struct {
	path  *path
	kind  kind
	text  string   // a scalar: its text, unquoted
	items []*value // a list: its items; a mapping: its fields, in order, each once
	line  int      // in the document, from 1, of a field its name's; 0: not known
}

// maxDepth is how deep a document may nest. The grammar needs 5.
const maxDepth = 16

func (v *value) fail(format string, args ...any) error {
	return &InvalidError{Path: v.path.String(), Message: fmt.Sprintf(format, args...), ValueLine: v.line}
}

// wrongKind is the error for a value that is not a want.
func (v *value) wrongKind(want kind) error {
	if want == kindString && v.kind != kindNull && v.kind != kindList && v.kind != kindTable {
		return v.fail("must be %s, got %s: put it in quotes", want, v.kind)
	}
	return v.fail("must be %s, got %s", want, v.kind)
}

// field returns a field of a mapping; nil: it is not written.
func (v *value) field(name string) *value {
	if i := slices.IndexFunc(v.items, func(f *value) bool { return f.path.name == name }); i >= 0 {
		return v.items[i]
	}
	return nil
}

func (v *value) str() (string, error) {
	if v.kind != kindString {
		return "", v.wrongKind(kindString)
	}
	return v.text, nil
}

func (v *value) boolean() (bool, error) {
	if v.kind != kindBool {
		return false, v.wrongKind(kindBool)
	}
	return v.text == "true", nil
}

func (v *value) list() ([]*value, error) {
	if v.kind != kindList {
		return nil, v.wrongKind(kindList)
	}
	return v.items, nil
}

// integer reads a whole number from lowest to highest. As in Kubernetes, a
// YAML integer may be written in any base; 5.0 is not one.
func (v *value) integer(lowest, highest int64) (int64, error) {
	if v.kind != kindInt {
		return 0, v.wrongKind(kindInt)
	}
	// A number beyond int64 saturates and fails the test below, but for the
	// one whose bound is int64's own.
	n, err := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 64)
	beyond := err != nil && (n == math.MaxInt64 || n == math.MinInt64)
	switch {
	case err != nil && !beyond:
		return 0, v.fail("must be an integer, got %s", quote(v.text))
	case n < lowest && highest == math.MaxInt64:
		return 0, v.fail("must be >= %d, got %s", lowest, short(v.text))
	case beyond && highest == math.MaxInt64:
		return 0, v.fail("must be <= %d, got %s", highest, short(v.text))
	case n < lowest || n > highest:
		return 0, v.fail("must be between %d and %d, got %s", lowest, highest, short(v.text))
	}
	return n, nil
}

// short bounds a number's text in an error.
func short(number string) string {
	if len(number) > quoteLimit {
		return number[:quoteLimit] + "…"
	}
	return number
}
