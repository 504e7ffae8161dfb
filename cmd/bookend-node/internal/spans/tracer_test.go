package spans

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// receiver is an OTLP collector that keeps what it gets.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	got []*tracepb.ResourceSpans
	err error
}

func (r *receiver) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.got = append(r.got, req.GetResourceSpans()...)
	return &collector.ExportTraceServiceResponse{}, r.err
}

// ServeHTTP implements the protocol over HTTP.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var in collector.ExportTraceServiceRequest
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &in) != nil {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	if _, err := r.Export(req.Context(), &in); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	out, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

// only returns the one span that came, with the attributes of its resource.
func (r *receiver) only(t *testing.T) (*tracepb.Span, map[string]string) {
	t.Helper()
	if len(r.got) != 1 || len(r.got[0].GetScopeSpans()) != 1 || len(r.got[0].GetScopeSpans()[0].GetSpans()) != 1 {
		t.Fatalf("got %v", r.got)
	}
	about := map[string]string{}
	for _, a := range r.got[0].GetResource().GetAttributes() {
		about[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return r.got[0].GetScopeSpans()[0].GetSpans()[0], about
}

// overHTTP starts a receiver and a tracer that sends to it.
func overHTTP(t *testing.T) (*receiver, *Tracer) {
	t.Helper()
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	t.Setenv(envEndpoint, server.URL)
	return r, newTracer(t)
}

func newTracer(t *testing.T) *Tracer {
	t.Helper()
	tracer, err := New(t.Context(), Options{Node: "n1", Version: "1.2.3", Log: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tracer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tracer
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	parent  = "b7ad6b7169203331"
)

func failure() hookfeed.Fact {
	code := 3
	f := hookfeed.Fact{Kind: hookfeed.Ended, RunStarted: began}
	f.Record = record.Record{
		ID: "1", Hook: hooks.PostStart, Handler: hooks.HandlerExec, Attempt: 2, Started: began.Add(3 * time.Second), Traceparent: "00-" + traceID + "-" + parent + "-01",
		Subject: record.Subject{Namespace: "k8s.io", Container: "c", Name: "main", Pod: "web-0", PodNamespace: "shop", PodUID: "u"},
		End:     record.End{Run: hooks.Failed, Outcome: hooks.Failed, Cause: hooks.CauseExitCode, ExitCode: &code, DurationSeconds: 2, Detail: "secret", Stdout: []byte("secret")},
	}
	return f
}

func TestARunIsASpanOfItsCall(t *testing.T) {
	t.Run("http", func(t *testing.T) {
		r, tracer := overHTTP(t)
		wantSpan(t, r, tracer)
	})
	t.Run("grpc", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r, server := &receiver{}, grpc.NewServer()
		collector.RegisterTraceServiceServer(server, r)
		served := make(chan struct{})
		go func() { defer close(served); _ = server.Serve(l) }()
		t.Cleanup(func() { server.Stop(); <-served })
		t.Setenv(envEndpoint, "http://"+l.Addr().String())
		t.Setenv(envProtocol, "grpc")
		wantSpan(t, r, newTracer(t))
	})
}

func wantSpan(t *testing.T, r *receiver, tracer *Tracer) {
	t.Helper()
	if err := tracer.Take(t.Context(), failure()); err != nil {
		t.Fatal(err)
	}
	span, about := r.only(t)
	if got := string(appendHex(span.GetTraceId())) + " " + string(appendHex(span.GetParentSpanId())); got != traceID+" "+parent {
		t.Errorf("in the trace %s", got)
	}
	if span.GetName() != "postStart" || int64(span.GetStartTimeUnixNano()) != began.UnixNano() || int64(span.GetEndTimeUnixNano()) != began.Add(5*time.Second).UnixNano() {
		t.Errorf("got %v", span)
	}
	if span.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || span.GetStatus().GetMessage() != "exit status" {
		t.Errorf("status %v", span.GetStatus())
	}
	var attributes []string
	for _, a := range span.GetAttributes() {
		attributes = append(attributes, a.GetKey()+"="+strings.TrimSpace(a.GetValue().String()))
	}
	for _, want := range []string{"k8s.pod.uid", "k8s.pod.name", "k8s.namespace.name", "k8s.container.name", "container.id", "bookend.attempts", "process.exit.code", "error.type"} {
		if !slices.ContainsFunc(attributes, func(a string) bool { return strings.HasPrefix(a, want+"=") }) {
			t.Errorf("no attribute %s in %q", want, attributes)
		}
	}
	if strings.Contains(strings.Join(attributes, " "), "secret") {
		t.Errorf("the span has what the hook wrote: %q", attributes)
	}
	if about["k8s.node.name"] != "n1" || about["service.name"] != "bookend" || about["service.version"] != "1.2.3" {
		t.Errorf("the resource is %q", about)
	}
}

func appendHex(id []byte) []byte {
	const digits = "0123456789abcdef"
	var out []byte
	for _, b := range id {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return out
}

func TestASpanThatComesAgainIsTheSame(t *testing.T) {
	r, tracer := overHTTP(t)
	f := failure()
	f.Traceparent = "" // a trace of its own
	other := f
	other.ID = "2"
	for _, f := range []hookfeed.Fact{f, f, other} {
		if err := tracer.Take(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	for _, g := range r.got {
		span := g.GetScopeSpans()[0].GetSpans()[0]
		ids = append(ids, string(appendHex(span.GetTraceId()))+string(appendHex(span.GetSpanId())))
	}
	if len(ids) != 3 || ids[0] != ids[1] || ids[0][:32] == ids[2][:32] || ids[0][32:] == ids[2][32:] || strings.Trim(ids[0], "0") == "" {
		t.Errorf("IDs %q", ids)
	}
}

func TestWhatIsNoSampledRunIsNotSent(t *testing.T) {
	r, tracer := overHTTP(t)
	unsampled, began, attempt := failure(), failure(), failure()
	unsampled.Traceparent = "00-" + traceID + "-" + parent + "-00"
	began.Kind = hookfeed.Began
	attempt.Run = ""
	for _, f := range []hookfeed.Fact{unsampled, began, attempt} {
		if err := tracer.Take(t.Context(), f); !errors.Is(err, hookfeed.ErrNothing) {
			t.Fatal(err)
		}
	}
	if len(r.got) > 0 {
		t.Errorf("sent %v", r.got)
	}
}

func TestAContainerThatPosesAsAPodsHasNoPod(t *testing.T) {
	r, tracer := overHTTP(t)
	f := failure()
	f.Namespace = "moby"
	if err := tracer.Take(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	span, _ := r.only(t)
	for _, a := range span.GetAttributes() {
		if key := a.GetKey(); strings.HasPrefix(key, "k8s.") && key != "k8s.container.name" {
			t.Errorf("attribute %s", a)
		}
	}
}

func TestASuccessHasNoError(t *testing.T) {
	r, tracer := overHTTP(t)
	f := failure()
	f.Run, f.Outcome, f.Cause = hooks.Succeeded, hooks.Succeeded, ""
	if err := tracer.Take(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if span, _ := r.only(t); span.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_UNSET {
		t.Errorf("status %v", span.GetStatus())
	}
}

func TestWhatTheCollectorDoesNotTakeComesAgain(t *testing.T) {
	r, tracer := overHTTP(t)
	r.err = errors.New("no")
	if err := tracer.Take(t.Context(), failure()); err == nil {
		t.Fatal("a span that was not taken is taken for sent")
	}
	r.err, r.got = nil, nil
	if err := tracer.Take(t.Context(), failure()); err != nil {
		t.Fatal(err)
	}
	r.only(t)
}

// refusing is an exporter that never succeeds.
type refusing struct{ sdktrace.SpanExporter }

func (refusing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return errors.New("no") }

func TestASpanThatIsNeverTakenIsGivenUp(t *testing.T) {
	_, tracer := overHTTP(t)
	synctest.Test(t, func(t *testing.T) {
		var logged error
		stubborn := *tracer
		stubborn.exporter, stubborn.Log = refusing{tracer.exporter}, func(err error) { logged = err }
		if err := stubborn.Take(t.Context(), failure()); err == nil {
			t.Fatal("taken")
		}
		<-time.After(giveUpAfter)
		if err := stubborn.Take(t.Context(), failure()); err != nil || logged == nil {
			t.Errorf("after %s: %v, logged %v", giveUpAfter, err, logged)
		}
		next := failure()
		next.ID = "2"
		if err := stubborn.Take(t.Context(), next); err == nil {
			t.Error("the next one is given up at once")
		}
	})
}

func TestTheEnvironmentSaysWhether(t *testing.T) {
	if t.Setenv(envEndpoint, ""); Enabled() {
		t.Error("enabled without a collector")
	}
	if t.Setenv(envTracesEndpoint, "http://c"); !Enabled() {
		t.Error("disabled with one")
	}
	if t.Setenv(envDisabled, "true"); Enabled() {
		t.Error("enabled where OpenTelemetry is disabled")
	}
	t.Setenv(envProtocol, "http/json")
	if _, err := New(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "http/json") {
		t.Errorf("a protocol that no one speaks: %v", err)
	}
}
