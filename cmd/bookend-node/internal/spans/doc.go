// Package spans makes a span of each run of a hook and sends it by OTLP, where the
// environment says to whom: OTEL_EXPORTER_OTLP_ENDPOINT and what else OpenTelemetry
// specifies of the exporter, the sampler and the resource.
//
// The shim knows nothing of tracing but one string, the traceparent of the call that
// the hook runs for, which it writes into the record. With it a postStart is a child
// of containerd's call of Start, and so of the kubelet's StartContainer, where both
// are traced; a preStop, of the call that brought the stop signal. A hook without one
// is a trace of its own.
//
// # At least once
//
// A span goes out before the feed goes on, and again where the collector did not take
// it. The IDs of a span are digests of its record's ID, so that a collector has one
// span of each hook, however often it comes. A span that the collector has not taken
// for five minutes is given up: it may be one that no collector takes.
//
// # Concurrency
//
// A [Tracer] belongs to the goroutine of its feed.
package spans
