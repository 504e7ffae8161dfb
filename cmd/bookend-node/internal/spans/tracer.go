package spans

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/hooks/record"
)

const (
	// exportTime bounds one call of the collector.
	exportTime = 10 * time.Second
	// giveUpAfter is how long after the first time a span is sent again.
	giveUpAfter = 5 * time.Minute
)

// Options are what a tracer is made of.
type Options struct {
	Node    string // the node's name
	Version string // this program's
	// Log is told of spans that were given up.
	Log func(error)
}

// Tracer makes spans.
type Tracer struct {
	Options
	exporter sdktrace.SpanExporter
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	ids      *idsOfRecords
	ended    *collected
	// failing is the fact that the collector does not take, and since when.
	failing string
	since   time.Time
}

// New returns a tracer that sends to the collector which the environment names. It
// does not connect yet.
func New(ctx context.Context, o Options) (*Tracer, error) {
	exporter, err := newExporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("spans: %w", err)
	}
	// What the environment says of the resource goes over what is known here.
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "bookend"), attribute.String("service.version", o.Version), attribute.String("k8s.node.name", o.Node),
	), resource.WithFromEnv())
	if err != nil {
		o.Log(fmt.Errorf("spans: %w", err)) // the resource has what could be read
	}
	t := &Tracer{Options: o, exporter: exporter, ids: &idsOfRecords{}, ended: &collected{}}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithIDGenerator(t.ids), sdktrace.WithSpanProcessor(t.ended))
	t.tracer = t.provider.Tracer("bookend.dev/bookend")
	return t, nil
}

// Close ends the connection to the collector.
func (t *Tracer) Close(ctx context.Context) error {
	return errors.Join(t.provider.Shutdown(ctx), t.exporter.Shutdown(ctx))
}

// Take is a [hookfeed.Take]. Its error is that the collector did not take the span.
func (t *Tracer) Take(ctx context.Context, f hookfeed.Fact) error {
	if !f.Last() {
		return hookfeed.ErrNothing
	}
	spans := t.spansOf(ctx, f)
	if len(spans) == 0 { // it is not sampled
		return hookfeed.ErrNothing
	}
	if t.failing != f.ID {
		t.failing, t.since = f.ID, time.Now()
	}
	ctx, stop := context.WithTimeout(ctx, exportTime)
	defer stop()
	err := t.exporter.ExportSpans(ctx, spans)
	if err != nil && time.Since(t.since) < giveUpAfter {
		return fmt.Errorf("send a span: %w", err)
	}
	if err != nil {
		t.Log(fmt.Errorf("the span of a hook is given up: %w", err))
	}
	return nil
}

// spansOf makes the span of a run, none if it is not sampled.
func (t *Tracer) spansOf(ctx context.Context, f hookfeed.Fact) []sdktrace.ReadOnlySpan {
	t.ids.record, t.ended.spans = f.ID, nil
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": f.Traceparent})
	_, span := t.tracer.Start(ctx, string(f.Hook), trace.WithTimestamp(f.RunStarted), trace.WithAttributes(attributesOf(f)...))
	if f.IsFailure() {
		span.SetStatus(codes.Error, string(f.RunCause()))
	}
	span.End(trace.WithTimestamp(f.Finished()))
	return t.ended.spans
}

// attributesOf has nothing that a hook or its author wrote.
func attributesOf(f hookfeed.Fact) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("container.id", f.Container),
		attribute.String("bookend.hook", string(f.Hook)), attribute.String("bookend.handler", f.Handler),
		attribute.String("bookend.outcome", string(f.Run)), attribute.Int("bookend.attempts", f.Attempt),
	}
	pod := f.Subject
	if !pod.IsPods() {
		pod = record.Subject{}
	}
	for key, value := range map[attribute.Key]string{
		"k8s.namespace.name": pod.PodNamespace, "k8s.pod.name": pod.Pod, "k8s.pod.uid": pod.PodUID, "k8s.container.name": f.Name,
		"error.type": string(f.RunCause()),
	} {
		if value != "" {
			all = append(all, key.String(value))
		}
	}
	if f.ExitCode != nil {
		all = append(all, attribute.Int("process.exit.code", *f.ExitCode))
	}
	if f.HTTPStatus != 0 {
		all = append(all, attribute.Int("http.response.status_code", f.HTTPStatus))
	}
	return all
}
