package hooks

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
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
func (v *value) wrongKind(want string) error {
	if want == string(kindString) && v.kind != kindNull && v.kind != kindList && v.kind != kindTable {
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

// table is a mapping whose fields are all known.
type table struct {
	*value
	fields map[string]*value
}

// table reads a mapping that may hold the known fields only.
func (v *value) table(known ...string) (*table, error) {
	if v.kind != kindTable {
		return nil, v.wrongKind(string(kindTable))
	}
	t := &table{value: v, fields: make(map[string]*value, len(v.items))}
	for _, f := range v.items {
		if !slices.Contains(known, f.path.name) {
			return nil, f.fail("unknown field, expected %s", anyOf(known))
		}
		t.fields[f.path.name] = f
	}
	return t, nil
}

func anyOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// get returns a field, nil where it is absent or null: Kubernetes makes no
// difference between the two.
func (t *table) get(name string) *value {
	if f := t.fields[name]; f != nil && f.kind != kindNull {
		return f
	}
	return nil
}

// has tells whether a field is written, be it as null.
func (t *table) has(name string) bool { return t.fields[name] != nil }

// missing is the error for a required field that is absent or null.
func (t *table) missing(name string) error {
	return &InvalidError{Path: t.path.child(name).String(), Message: "is required", ValueLine: t.line}
}

// str reads an optional field: "" where it is absent.
func (t *table) str(name string) (string, error) {
	if f := t.get(name); f != nil {
		return f.str()
	}
	return "", nil
}

func (v *value) str() (string, error) {
	if v.kind != kindString {
		return "", v.wrongKind(string(kindString))
	}
	return v.text, nil
}

// boolean reads an optional field.
func (t *table) boolean(name string, absent bool) (bool, error) {
	f := t.get(name)
	if f == nil {
		return absent, nil
	}
	if f.kind != kindBool {
		return false, f.wrongKind(string(kindBool))
	}
	return f.text == "true", nil
}

func (v *value) list() ([]*value, error) {
	if v.kind != kindList {
		return nil, v.wrongKind(string(kindList))
	}
	return v.items, nil
}

// enum reads a string that is one of the allowed ones.
func (v *value) enum(allowed ...string) (string, error) {
	switch {
	case v.kind != kindString: // quotes would not make it one of them
		return "", v.fail("must be %s, got %s", strings.Join(allowed, " or "), v.kind)
	case !slices.Contains(allowed, v.text):
		return v.text, v.fail("must be %s, got %s", strings.Join(allowed, " or "), quote(v.text))
	}
	return v.text, nil
}

// integer reads a whole number from lowest to highest. As in Kubernetes, a
// YAML integer may be written in any base; 5.0 is not one.
func (v *value) integer(lowest, highest int64) (int64, error) {
	if v.kind != kindInt {
		return 0, v.wrongKind(string(kindInt))
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

// integer reads an optional field.
func (t *table) integer(name string, lowest, highest, absent int64) (int64, error) {
	if f := t.get(name); f != nil {
		return f.integer(lowest, highest)
	}
	return absent, nil
}

// short bounds a number's text in an error.
func short(number string) string {
	if len(number) > quoteLimit {
		return number[:quoteLimit] + "…"
	}
	return number
}

// longest is what a longer duration is cut to. A hundred years mean "for
// ever", and adding to them does not overflow a time.Duration.
const longest = 100 * 365 * 24 * time.Hour

// seconds reads a duration of whole seconds, 0 or more.
func (v *value) seconds() (time.Duration, error) {
	n, err := v.integer(0, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	return secondsOf(n), nil
}

// seconds reads an optional field.
func (t *table) seconds(name string, absent time.Duration) (time.Duration, error) {
	if f := t.get(name); f != nil {
		return f.seconds()
	}
	return absent, nil
}

func secondsOf(n int64) time.Duration {
	return time.Duration(min(n, int64(longest/time.Second))) * time.Second
}
