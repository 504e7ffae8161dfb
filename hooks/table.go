package hooks

import (
	"math"
	"slices"
	"strings"
	"time"
)

// table is a mapping that is read field by field. Its first error is kept: after
// that no field is read any more, so that a reader looks at err once, at the end.
type table struct {
	*value
	err error
}

// table begins to read a mapping that may hold the known fields only.
func (v *value) table(known ...string) *table {
	t := &table{value: v}
	if v.kind != kindTable {
		t.err = v.wrongKind(kindTable)
		return t
	}
	for _, f := range v.items {
		if !slices.Contains(known, f.path.name) {
			t.err = f.fail("unknown field, expected %s", anyOf(known))
			break
		}
	}
	return t
}

func anyOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// get returns a field; nil where it is absent or null, between which Kubernetes
// makes no difference, and after an error.
func (t *table) get(name string) *value {
	if t.err != nil {
		return nil
	}
	if f := t.field(name); f != nil && f.kind != kindNull {
		return f
	}
	return nil
}

// optional reads a field into to, which keeps what it holds if there is none.
func optional[T any](t *table, name string, to *T, read func(*value) (T, error)) {
	f := t.get(name)
	if f == nil {
		return
	}
	if v, err := read(f); err != nil {
		t.err = err
	} else {
		*to = v
	}
}

// required reads a field that must be there.
func required[T any](t *table, name string, to *T, read func(*value) (T, error)) {
	if t.err == nil && t.get(name) == nil {
		t.err = &InvalidError{Path: t.path.child(name).String(), Message: "is required", ValueLine: t.line}
	}
	optional(t, name, to, read)
}

// each reads a list, item by item; nil: it is empty.
func each[T any](read func(*value) (T, error)) func(*value) ([]T, error) {
	return func(v *value) ([]T, error) {
		items, err := v.list()
		if err != nil {
			return nil, err
		}
		var list []T
		for _, item := range items {
			one, err := read(item)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	}
}

// oneOf reads a string that is one of the allowed ones.
func oneOf[T ~string](allowed ...T) func(*value) (T, error) {
	return func(v *value) (T, error) {
		got := string(v.kind) // quotes would not make it one of them
		if v.kind == kindString {
			if slices.Contains(allowed, T(v.text)) {
				return T(v.text), nil
			}
			got = quote(v.text)
		}
		names := make([]string, len(allowed))
		for i, name := range allowed {
			names[i] = string(name)
		}
		return "", v.fail("must be %s, got %s", strings.Join(names, " or "), got)
	}
}

// between reads a whole number from lowest to highest.
func between[T int | int64](lowest, highest int64) func(*value) (T, error) {
	return func(v *value) (T, error) {
		n, err := v.integer(lowest, highest)
		return T(n), err
	}
}

// longest is what a longer duration is cut to. A hundred years mean "for
// ever", and adding to them does not overflow a time.Duration.
const longest = 100 * 365 * 24 * time.Hour

// seconds reads a duration of whole seconds, 0 or more.
func (v *value) seconds() (time.Duration, error) {
	n, err := v.integer(0, math.MaxInt64)
	return secondsOf(n), err
}

func secondsOf(n int64) time.Duration {
	return time.Duration(min(n, int64(longest/time.Second))) * time.Second
}
