package spans

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
)

// Names in the environment, of which the first two name the protocol and the others
// whether there is a collector. The exporters read all others themselves.
const (
	envTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	envProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	envTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envDisabled       = "OTEL_SDK_DISABLED"
)

// Values of the protocol.
const (
	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// Enabled tells whether the environment names a collector.
func Enabled() bool {
	return cmp.Or(os.Getenv(envTracesEndpoint), os.Getenv(envEndpoint)) != "" && os.Getenv(envDisabled) != "true"
}

// newExporter returns the exporter that the environment asks for. It does not repeat
// what fails: the feed does.
func newExporter(ctx context.Context) (*otlptrace.Exporter, error) {
	switch p := cmp.Or(os.Getenv(envTracesProtocol), os.Getenv(envProtocol), protocolHTTP); p {
	case protocolGRPC:
		return otlptracegrpc.New(ctx, otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	case protocolHTTP:
		return otlptracehttp.New(ctx, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	default:
		return nil, fmt.Errorf("%s: %q is neither %s nor %s", envProtocol, p, protocolGRPC, protocolHTTP)
	}
}
