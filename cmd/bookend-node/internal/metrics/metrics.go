package metrics

import (
	"context"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/cmd/bookend-node/internal/tell"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// Metrics are those of a node's agent.
type Metrics struct {
	registry    *prometheus.Registry
	duration    *prometheus.HistogramVec
	runs        *prometheus.CounterVec
	timeouts    *prometheus.CounterVec
	retries     *prometheus.CounterVec
	undelivered prometheus.Counter
	dropped     prometheus.Counter
	events      *prometheus.CounterVec
}

// New returns metrics that are all zero. store is that of the statuses; version is
// this program's.
func New(store *record.Store, version string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bookend_" + name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewPedanticRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bookend_hook_duration_seconds", Help: "Time that a hook took, all its attempts together.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"hook", "handler", "outcome"}),
		runs:     counter("hook_runs_total", "Hooks that have ended, by how they did.", "hook", "handler", "outcome"),
		timeouts: counter("hook_timeouts_total", "Hooks that were cut off because their time was over.", "hook", "handler"),
		retries:  counter("hook_retries_total", "Attempts of hooks after one that failed.", "hook", "handler"),
		undelivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bookend_stop_signals_undelivered_total", Help: "Stop signals that could not be sent to their container for 10 seconds.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bookend_records_dropped_total", Help: "Records of hooks that were removed before they were counted.",
		}),
		events: counter("events_total", "Kubernetes Events about hooks, by what became of them.", "reason", "result"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "bookend_build_info", Help: "1, with the version of the agent and that of Go it is built with.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(m.duration, m.runs, m.timeouts, m.retries, m.undelivered, m.dropped, m.events, build, inFlight{store},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.begin()
	return m
}

// begin makes the counters of everything that may happen: what goes from nothing to
// one is no increase to Prometheus.
func (m *Metrics) begin() {
	for _, hook := range hookValues() {
		for _, handler := range handlerValues() {
			m.timeouts.WithLabelValues(hook, handler)
			m.retries.WithLabelValues(hook, handler)
			for _, outcome := range outcomeValues() {
				m.runs.WithLabelValues(hook, handler, outcome)
			}
		}
	}
	for _, reason := range tell.Reasons() {
		for _, result := range tell.Results() {
			m.events.WithLabelValues(reason, string(result))
		}
	}
}

// Take is a [hookfeed.Take], which takes every fact.
func (m *Metrics) Take(_ context.Context, f hookfeed.Fact) error {
	hook, handler := of(f)
	switch {
	case f.Kind == hookfeed.Began && f.Attempt > 1:
		m.retries.WithLabelValues(hook, handler).Inc()
	case f.Kind == hookfeed.Undelivered:
		m.undelivered.Inc()
	case f.Kind == hookfeed.Dropped:
		m.dropped.Add(float64(f.Count))
	case f.Last():
		outcome := oneOf(outcomeValues(), string(f.Run))
		m.runs.WithLabelValues(hook, handler, outcome).Inc()
		if f.Run == hooks.TimedOut {
			m.timeouts.WithLabelValues(hook, handler).Inc()
		}
		if f.Run != hooks.Unknown { // of which no one knows how long it took
			// A clock may have been set back between two attempts, and a sum must not shrink.
			m.duration.WithLabelValues(hook, handler, outcome).Observe(max(0, f.Finished().Sub(f.RunStarted).Seconds()))
		}
	default:
		return hookfeed.ErrNothing
	}
	return nil
}

// Told counts an Event; it is a [tell.Options.Told].
func (m *Metrics) Told(reason string, r tell.Result) {
	m.events.WithLabelValues(oneOf(tell.Reasons(), reason), string(r)).Inc()
}
