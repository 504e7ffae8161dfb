package hooks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// InvalidError says what is wrong in an annotation or in the node's
// configuration. It is the author's mistake, never bookend's.
type InvalidError struct {
	Source  string // "annotation bookend.dev/lifecycle", "config /etc/bookend/config.toml"
	Path    string // "preStop.sleep.seconds"; empty: the value as a whole
	Message string // what was expected, and what came where that is no secret
	Line    int    // of the configuration's text; 0: not known, or an annotation
	Err     error  // the cause, where another package found the mistake; may be nil
	// ValueLine is the line of the annotation's value, from 1, on which the
	// field or item at Path begins; 0: not known.
	ValueLine int
}

// Error joins source, path and message:
//
//	annotation bookend.dev/lifecycle: preStop.sleep.seconds: must be >= 0, got -3
//	config /etc/bookend/config.toml: policy.allowUser: must be a boolean, got a string (line 2)
func (e *InvalidError) Error() string {
	text := e.Source + ": " + e.Detail()
	if e.Line > 0 {
		text += fmt.Sprintf(" (line %d)", e.Line)
	}
	return text
}

// Detail is Error without source and line: path and message.
func (e *InvalidError) Detail() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Path + ": " + e.Message
}

// Unwrap returns the cause, if there is one.
func (e *InvalidError) Unwrap() error { return e.Err }

// inSource completes an error of the grammar, which knows paths only.
func inSource(err error, source string) error {
	var invalid *InvalidError
	if errors.As(err, &invalid) && invalid.Source == "" {
		invalid.Source = source
	}
	return err
}

// quoteLimit bounds what an error repeats of its input: errors travel into
// Kubernetes Events, and a name may be as long as the whole annotation.
const quoteLimit = 64

// quote renders hostile text for an error: one line, printable, bounded.
func quote(s string) string {
	if len(s) <= quoteLimit {
		return strconv.QuoteToASCII(s)
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.QuoteToASCII(clip(s, quoteLimit)), len(s))
}

// clip returns the first bytes of s, at most limit, without half a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// quoteMessage makes another library's message, which may repeat the input,
// fit for an error of ours.
func quoteMessage(s string) string {
	const limit = 200
	printable := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return printable[:min(len(printable), limit)]
}
