package hooks

import "time"

// DefaultGracePeriod is the grace period where no one says one, as Kubernetes
// has it.
const DefaultGracePeriod = 30 * time.Second

// stopSignalReserve is kept of the grace period for the stop signal itself.
const stopSignalReserve = 2 * time.Second

// Grace returns the container's grace period, or the default where no one said one.
func (l *Lifecycle) Grace() time.Duration {
	if l.GracePeriod != nil {
		return *l.GracePeriod
	}
	return DefaultGracePeriod
}

// PreStopBound returns how long a preStop may take within the grace period G:
// G - min(2 s, G/2), so that a client which kills at the end of G leaves the
// stop signal its time.
func (l *Lifecycle) PreStopBound() time.Duration {
	g := l.Grace()
	return g - min(stopSignalReserve, g/2)
}
