package admission

import (
	"fmt"
	"unicode/utf8"

	"gomodules.xyz/jsonpatch/v2"
)

// Verdict is what is to be done with a request.
type Verdict struct {
	// Refused says why the request is refused; "": it is not.
	Refused string
	// Patch changes the object; empty for one that is refused.
	Patch []jsonpatch.Operation
	// Warnings are for whoever made the request.
	Warnings []string
}

// refuse refuses the request: path is where the reason is.
func (v *Verdict) refuse(path, message string) {
	v.Refused, v.Patch = path+": "+message, nil
}

// Bounds of warnings: an API server sends 4096 characters of a response's, and 256 of
// each if they are more.
const (
	maxWarnings = 16
	maxWarning  = 256 // bytes
)

// warn adds a warning. It drops those that are too many.
func (v *Verdict) warn(path, format string, args ...any) {
	switch n := len(v.Warnings); {
	case n < maxWarnings-1:
		v.Warnings = append(v.Warnings, clip(path+": "+fmt.Sprintf(format, args...)))
	case n == maxWarnings-1:
		v.Warnings = append(v.Warnings, "more warnings are left out")
	}
}

// clip cuts a warning that is too long.
func clip(text string) string {
	const mark = "…"
	if len(text) <= maxWarning {
		return text
	}
	end := maxWarning - len(mark)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

func (v *Verdict) patch(operation, path string, value any) {
	v.Patch = append(v.Patch, jsonpatch.NewOperation(operation, path, value))
}

// annotationPath is where an annotation is.
func annotationPath(key string) string { return "metadata.annotations[" + key + "]" }
