package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"bookend.dev/bookend/hooks/record"
)

// inFlight counts the hooks that run now.
type inFlight struct{ store *record.Store }

func (inFlight) desc() *prometheus.Desc {
	return prometheus.NewDesc("bookend_hooks_in_flight", "Hooks that run now.", []string{"hook"}, nil)
}

// Describe implements [prometheus.Collector].
func (i inFlight) Describe(descs chan<- *prometheus.Desc) { descs <- i.desc() }

// Collect implements [prometheus.Collector].
func (i inFlight) Collect(metrics chan<- prometheus.Metric) {
	statuses, _, err := i.store.Statuses()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(i.desc(), err)
		return
	}
	running := map[string]float64{}
	for _, hook := range hookValues() {
		running[hook] = 0
	}
	for _, st := range statuses {
		if st.Hook != "" {
			running[oneOf(hookValues(), string(st.Hook))]++
		}
	}
	for hook, n := range running {
		metrics <- prometheus.MustNewConstMetric(i.desc(), prometheus.GaugeValue, n, hook)
	}
}
