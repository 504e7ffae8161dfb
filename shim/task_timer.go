package shim

import "time"

// setTimer starts a timer anew.
func (l *taskLoop) setTimer(name timer, after time.Duration) {
	l.stopTimer(name)
	// The callback reads the variable only after the assignment: it posts to
	// this goroutine, through which the timer is handed over.
	handle := make(chan *time.Timer, 1)
	alarm := time.AfterFunc(max(after, 0), func() {
		l.post(message{event: timerFired{name}, alarm: <-handle})
	})
	handle <- alarm
	l.timers[name] = alarm
}

func (l *taskLoop) stopTimer(name timer) {
	delete(l.ends, name)
	if alarm := l.timers[name]; alarm != nil {
		alarm.Stop()
		delete(l.timers, name)
	}
}
