package shim

import (
	"context"

	"github.com/containerd/ttrpc"
)

// traceparentKey is where containerd's client of the Task API puts the caller's
// position in a trace, see https://www.w3.org/TR/trace-context/#traceparent-header.
const traceparentKey = "traceparent"

const (
	// traceparentForm is the grammar of version 00, x a lower-case hexadecimal digit. Those
	// of all later versions begin with the same fields, and of these only that much is to
	// be used.
	traceparentForm = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx"
	traceparentLen  = len(traceparentForm)
	noTrace         = "00000000000000000000000000000000"
	noParent        = "0000000000000000"
)

// traceparentOf returns the traceparent of a call, for its records; empty: it has
// none that is valid. It is all that this shim knows of tracing.
func traceparentOf(ctx context.Context) string {
	s, _ := ttrpc.GetMetadataValue(ctx, traceparentKey)
	if !hasTraceparentForm(s) || s[:2] == "ff" || s[3:35] == noTrace || s[36:52] == noParent {
		return ""
	}
	if len(s) > traceparentLen && (s[:2] == "00" || s[traceparentLen] != '-') {
		return ""
	}
	return "00" + s[2:traceparentLen]
}

func hasTraceparentForm(s string) bool {
	if len(s) < traceparentLen {
		return false
	}
	for i, want := range []byte(traceparentForm) {
		c := s[i]
		isHex := '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
		if want == 'x' && !isHex || want != 'x' && c != want {
			return false
		}
	}
	return true
}
