package shim

import (
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// unsent logs an attempt to send a signal that did not do.
func (s *Service) unsent(c *container, d delivery, attempt int, err error) {
	what := hooks.SignalName(d.signal) + " could not be sent; it is sent again"
	if err == nil {
		what = hooks.SignalName(d.signal) + " was sent and the init has not exited; it is sent again"
	}
	s.reporter.tell(hookReport{logger: c.logger.WithField("attempt", attempt), id: c.id, warning: what, fault: err})
}

// undelivered tells of a stop signal that has not got through, in the log, as an
// event and in a record, and completes the record with what becomes of it.
func (s *Service) undelivered(c *container, d delivery, due time.Time, err error, over <-chan bool) {
	done := newLatch()
	c.stopTold.Store(done)
	defer done.set()
	u := &undeliveredStop{signal: hooks.SignalName(d.signal), err: err}
	s.reporter.tell(hookReport{logger: c.logger, id: c.id, name: c.subject.Name, undelivered: u})
	entry := c.store.Begin(record.Record{
		Kind: record.Stop, Subject: c.subject, Started: due, StopSignal: u.signal, End: record.End{Detail: u.detail()},
	})
	delivered, ok := <-over
	end := record.End{DurationSeconds: time.Since(due).Seconds()}
	switch {
	case !ok:
		end.Outcome = hooks.Unknown
	case delivered:
		end.Delivery = record.Delivered
	default:
		end.Delivery = record.Ended
	}
	entry.End(end)
}

// undeliveredStop is a stop signal that has not got through for a while.
type undeliveredStop struct {
	signal string
	err    error // of the last attempt; nil: it is under way
}

func (u *undeliveredStop) detail() string {
	if u.err == nil {
		return ""
	}
	return u.err.Error()
}

func (u *undeliveredStop) message() string {
	return u.signal + " was not delivered within " + undeliveredTime.String() + "; it is sent again"
}

func (h hookReport) logUndelivered() {
	l := h.logger.WithField("container", h.id)
	if h.undelivered.err != nil {
		l = l.WithError(h.undelivered.err)
	}
	l.Error("bookend: " + h.undelivered.message())
}

// undeliveredLabels holds nothing that the runtime or an author wrote.
func (h hookReport) undeliveredLabels() map[string]string {
	f := map[string]string{hooks.LabelSignal: h.undelivered.signal, hooks.LabelMessage: h.undelivered.message()}
	if h.name != "" {
		f[hooks.LabelContainerName] = h.name
	}
	return f
}
