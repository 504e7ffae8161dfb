// Package metrics counts what hooks did, for Prometheus.
//
// Counters count from the facts of a feed (package hookfeed), each once: after a
// restart they begin at zero, as Prometheus expects of a process, and what was counted
// before is not counted again. Gauges are read when Prometheus asks: the hooks in
// flight from the statuses that shims keep.
//
// The values of labels are from fixed lists. A value that is none of them, which a
// newer shim may write, is "other": no container can make time series.
//
// deploy/monitoring has a dashboard and alert rules, whose metrics a test compares
// with those here.
//
// # Concurrency
//
// [Metrics.Take] belongs to the goroutine of its feed. Everything else may be called
// by any number of goroutines.
package metrics
