package admission

import (
	"fmt"

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

func (v *Verdict) warn(path, format string, args ...any) {
	v.Warnings = append(v.Warnings, path+": "+fmt.Sprintf(format, args...))
}

func (v *Verdict) patch(operation, path string, value any) {
	v.Patch = append(v.Patch, jsonpatch.NewOperation(operation, path, value))
}

// annotationPath is where an annotation is.
func annotationPath(key string) string { return "metadata.annotations[" + key + "]" }
