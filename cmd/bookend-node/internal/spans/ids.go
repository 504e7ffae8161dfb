package spans

import (
	"context"
	"crypto/sha256"

	"go.opentelemetry.io/otel/trace"
)

// idsOfRecords makes IDs of a record's: the same each time.
type idsOfRecords struct{ record string }

// NewIDs implements the SDK's IDGenerator, for a span without a parent.
func (g *idsOfRecords) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	sum := sha256.Sum256([]byte("trace " + g.record))
	copy(id[:], sum[:])
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements the SDK's IDGenerator.
func (g *idsOfRecords) NewSpanID(context.Context, trace.TraceID) (span trace.SpanID) {
	sum := sha256.Sum256([]byte("span " + g.record))
	copy(span[:], sum[:])
	return span
}
