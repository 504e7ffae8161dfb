package shim

import (
	"context"
	"regexp"

	"github.com/containerd/ttrpc"
)

// traceparentKey is where containerd's client of the Task API puts the caller's
// position in a trace, see https://www.w3.org/TR/trace-context/#traceparent-header.
const traceparentKey = "traceparent"

// validTraceparent is the grammar of version 00. Those of all later versions begin
// with the same fields, and of these only that much is to be used.
var validTraceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}`)

const (
	traceparentLen = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	noTrace        = "00000000000000000000000000000000"
	noParent       = "0000000000000000"
)

// traceparentOf returns the traceparent of a call, for its records; empty: it has
// none that is valid. It is all that this shim knows of tracing.
func traceparentOf(ctx context.Context) string {
	s, _ := ttrpc.GetMetadataValue(ctx, traceparentKey)
	if !validTraceparent.MatchString(s) || s[:2] == "ff" || s[3:35] == noTrace || s[36:52] == noParent {
		return ""
	}
	if len(s) > traceparentLen && (s[:2] == "00" || s[traceparentLen] != '-') {
		return ""
	}
	return "00" + s[2:traceparentLen]
}
