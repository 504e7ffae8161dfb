package shim

import "syscall"

// sending is a stop signal on its way to the init. A client was told that it
// goes, so it is sent until it gets through.
type sending struct {
	signal  delivery
	awaited bool  // another client was told so while it was on a client's own call
	err     error // of the last attempt; nil: none has failed
	told    bool  // that it is undelivered was told
}

// deliver sends the stop signal that waited.
func (m *machine) deliver() {
	m.enter(delivering)
	if m.stopsFailed() {
		// A runtime that fails must not keep the container from its end.
		m.do(setTimer{graceTimer, m.hooks.Grace()})
	}
	m.send()
}

// send puts the stop signal that waited on its way.
func (m *machine) send() {
	told := m.sending != nil && m.sending.told // of an earlier one that this takes along
	m.sending = &sending{signal: *m.stop, told: told}
	m.stop = nil
	m.do(signalInit{m.sending.signal}, setTimer{undeliveredTimer, undeliveredTime})
}

// recall takes a stop signal back that a Start which failed has left undelivered:
// it is due behind the hooks of the next Start.
func (m *machine) recall() {
	if m.sending == nil {
		return
	}
	m.stop = &m.sending.signal
	m.do(cancelSignal{}, stopTimer{undeliveredTimer})
}

// onDelivered begins the grace period: from here every signal passes. A signal
// that finds no process ends the stop all the same: the init is exiting.
func (m *machine) onDelivered() {
	if m.sending == nil {
		return
	}
	m.do(stopTimer{undeliveredTimer})
	m.endSending(true)
	if m.phase == delivering {
		m.enter(stopping)
		m.do(setTimer{graceTimer, m.hooks.Grace()})
	}
}

// onSignalFailed remembers why the signal has not got through yet.
func (m *machine) onSignalFailed(err error) {
	if m.sending != nil {
		m.sending.err = err
	}
}

// onSignalReturned is the end of a client's own call with the stop signal. A
// failure is that client's to repeat, unless others were told that the signal
// goes.
func (m *machine) onSignalReturned(ev signalReturned) {
	switch {
	case m.phase != delivering:
	case ev.err == nil || ev.gone:
		m.onDelivered()
	case m.sending.awaited:
		m.stop = &m.sending.signal
		m.send()
	default:
		m.sending = nil
		m.enter(running)
	}
}

// onUndelivered tells once of a stop signal that does not get through.
func (m *machine) onUndelivered() {
	if m.sending == nil || m.sending.told {
		return
	}
	m.sending.told = true
	m.do(tellUndelivered{signal: m.sending.signal, err: m.sending.err})
}

// endSending ends what was being sent.
func (m *machine) endSending(delivered bool) {
	if m.sending != nil && m.sending.told {
		m.do(tellUndeliveredEnd{delivered})
	}
	m.sending = nil
}

// onSignalPassing remembers for one grace period the latest signal that may end the
// container without a preStop.
func (m *machine) onSignalPassing(sig syscall.Signal) {
	if m.phase != running || m.hooks.PreStop == nil {
		return
	}
	m.passed = sig
	m.do(setTimer{passedTimer, m.hooks.Grace()})
}

// owed returns the signal that the init has still to get, if there is one.
func (m *machine) owed() (delivery, bool) {
	switch {
	case m.phase == killing:
		return delivery{signal: syscall.SIGKILL}, true
	case m.phase == killed || m.phase == exited:
		return delivery{}, false
	case m.sending != nil:
		return m.sending.signal, true
	case m.stop != nil:
		return *m.stop, true
	}
	return delivery{}, false
}
