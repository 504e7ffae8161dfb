package shim

import (
	"context"
	"time"

	"github.com/containerd/log"

	"bookend.dev/bookend/hooks"
)

// task is one container with hooks: the goroutine that owns its [machine], its
// timers and the cancel of its running hook.
type task struct {
	id      string
	effects effects
	inbox   chan message
	done    chan struct{} // closed when the goroutine has ended; calls pass through
}

// message is an event on its way to a task.
type message struct {
	event  event
	answer chan<- answer // nil: no one waits for one
	start  chan<- error  // with startRequested: where the withheld reply goes
	alarm  *time.Timer   // with timerFired: the timer it came from
	last   bool          // the container was deleted
}

// taskLoop is the state that only the task's goroutine touches.
type taskLoop struct {
	*task
	machine        *machine
	timers         map[timer]*time.Timer
	ends           map[timer]time.Time // when timers that were set for a time of day end
	hook           hookStatus          // that runs
	cancelHook     context.CancelFunc  // nil: none has run
	cancelSend     context.CancelFunc  // nil: nothing was sent
	due            time.Time           // when the stop signal on its way was sent first
	undeliveredEnd chan bool           // nil: no signal was told to be undelivered
	start          chan<- error        // nil: no Start is withheld
	later          []message           // Starts that wait for another
	posted         *taskStatus         // what was told last; nil: nothing yet
}

// newTask starts the goroutine of a container with hooks; restored says that
// the container comes from a checkpoint. It runs until [task.end].
func newTask(ctx context.Context, id string, lc *hooks.Lifecycle, restored bool, e effects) *task {
	t := &task{id: id, effects: e, inbox: make(chan message), done: make(chan struct{})}
	l := &taskLoop{task: t, machine: &machine{hooks: lc, restored: restored}, timers: make(map[timer]*time.Timer), ends: make(map[timer]time.Time)}
	go l.run(ctx)
	return t
}

// ask posts an event and returns what its bringer is to do. A task that has
// ended answers pass.
func (t *task) ask(ev event) answer {
	return t.askWith(message{event: ev})
}

// askStart is ask for a Start call; the reply of a withheld one comes on start,
// which must have room for it.
func (t *task) askStart(ev startRequested, start chan<- error) answer {
	return t.askWith(message{event: ev, start: start})
}

func (t *task) askWith(m message) answer {
	answers := make(chan answer, 1)
	m.answer = answers
	if !t.post(m) {
		return answer{kind: pass}
	}
	select {
	case a := <-answers:
		return a
	case <-t.done:
		return answer{kind: pass}
	}
}

// tell posts an event that wants no answer.
func (t *task) tell(ev event) { t.post(message{event: ev}) }

// end stops the task's goroutine; its container is gone.
func (t *task) end() { t.post(message{last: true}) }

func (t *task) post(m message) bool {
	select {
	case t.inbox <- m:
		return true
	case <-t.done:
		return false
	}
}

func (l *taskLoop) run(ctx context.Context) {
	defer close(l.done)
	if err := hooks.Recovered(func() error { l.serve(ctx); return nil }); err != nil {
		l.breakDown(ctx, err)
	}
	l.cleanUp()
}

// serve takes events until the container is deleted.
func (l *taskLoop) serve(ctx context.Context) {
	l.postStatus()
	for m := range l.inbox {
		if m.last {
			l.step(ctx, initExited{}) // not posted: the status is being removed
			return
		}
		if fired, ok := m.event.(timerFired); ok && l.timers[fired.timer] != m.alarm {
			continue // stopped or started anew while it was on its way
		}
		l.take(ctx, m)
		for len(l.later) > 0 && l.machine.phase != starting {
			next := l.later[0]
			l.later = l.later[1:]
			l.take(ctx, next)
		}
	}
}

// take gives an event to the machine and carries out what follows.
func (l *taskLoop) take(ctx context.Context, m message) {
	if m.start != nil && l.machine.phase == created {
		l.start = m.start
	}
	if _, ok := m.event.(hookEnded); ok {
		l.hook = hookStatus{}
	}
	ans := l.step(ctx, m.event)
	if ans.kind == later {
		l.later = append(l.later, m)
		return
	}
	l.postStatus()
	if m.answer != nil {
		m.answer <- ans
	}
}

func (l *taskLoop) step(ctx context.Context, ev event) answer {
	ans, actions := l.machine.step(ev)
	for _, a := range actions {
		a.perform(ctx, l)
	}
	return ans
}

func (t *task) guard(ctx context.Context, f func()) { guard(ctx, t.id, f) }

// guard keeps a panic in one container's code from ending the shim, and with
// it the supervision of every container of the pod.
func guard(ctx context.Context, id string, f func()) {
	if err := hooks.Recovered(func() error { f(); return nil }); err != nil {
		log.G(ctx).WithField("container", id).Errorf("bookend: %v", err)
	}
}

// breakDown turns the container into one without hooks: a stop that clients
// were told is under way is delivered, a withheld Start succeeds as the
// runtime's own did.
func (l *taskLoop) breakDown(ctx context.Context, fault error) {
	log.G(ctx).WithField("container", l.id).Errorf("bookend: %v; it runs on without: %v", errBroken, fault)
	if d, ok := l.machine.owed(); ok {
		go l.sendUntilSent(ctx, d)
	}
	l.resolve(ctx, nil, false)
}

func (l *taskLoop) cleanUp() {
	for name := range l.timers {
		l.stopTimer(name)
	}
	if l.cancelHook != nil {
		l.cancelHook()
	}
	l.endSend()
	if l.undeliveredEnd != nil {
		close(l.undeliveredEnd)
	}
}
