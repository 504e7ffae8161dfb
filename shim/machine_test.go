package shim

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

var (
	epoch    = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	deadline = epoch.Add(2 * time.Minute)
	sigterm  = delivery{signal: syscall.SIGTERM}
	postHook = &hooks.Hook{Point: hooks.PostStart, Sleep: &hooks.Sleep{}, FailurePolicy: hooks.Kill, Timeout: 100 * time.Second}
	preHook  = &hooks.Hook{Point: hooks.PreStop, Sleep: &hooks.Sleep{}}

	ignoredHook = &hooks.Hook{Point: hooks.PostStart, Sleep: &hooks.Sleep{}, FailurePolicy: hooks.Ignore}
	endlessHook = &hooks.Hook{Point: hooks.PostStart, Sleep: &hooks.Sleep{}, FailurePolicy: hooks.Kill}
)

func lifecycleOf(change func(*hooks.Lifecycle)) *hooks.Lifecycle {
	lc := &hooks.Lifecycle{PostStart: postHook, PreStop: preHook, StopSignals: []syscall.Signal{syscall.SIGTERM}}
	if change != nil {
		change(lc)
	}
	return lc
}

func resultOf(p hooks.Point, o hooks.Outcome, c hooks.Cause) hooks.Result {
	return hooks.Result{Point: p, Handler: "sleep", Outcome: o, Report: hooks.Report{Cause: c}}
}

var (
	postOK      = resultOf(hooks.PostStart, hooks.Succeeded, "")
	postFailed  = resultOf(hooks.PostStart, hooks.Failed, hooks.CauseExitCode)
	postCancel  = resultOf(hooks.PostStart, hooks.Cancelled, hooks.CauseCancelled)
	postSuspect = func() hooks.Result {
		r := resultOf(hooks.PostStart, hooks.Failed, hooks.CauseSignal)
		r.Suspect = true
		return r
	}()
	preOK      = resultOf(hooks.PreStop, hooks.Succeeded, "")
	preFailed  = resultOf(hooks.PreStop, hooks.Failed, hooks.CauseExitCode)
	preTimeout = resultOf(hooks.PreStop, hooks.TimedOut, hooks.CauseTimeout)
	preSuspect = func() hooks.Result {
		r := resultOf(hooks.PreStop, hooks.Failed, hooks.CauseSignal)
		r.Suspect = true
		return r
	}()
)

// move is one event and what must follow from it.
type move struct {
	event   event
	answer  answerKind
	actions []action
	phase   phase
}

var (
	stopStart   = []action{stopTimer{startTimer}, stopTimer{cutTimer}}
	stopRest    = []action{stopTimer{cutTimer}, stopTimer{judgeTimer}, stopTimer{graceTimer}}
	started     = startRequested{at: epoch, deadline: deadline}
	startAlarm  = setTimerAt{startTimer, deadline.Add(-replyBefore)}
	grace30     = setTimer{graceTimer, 30 * time.Second}
	runPost     = runHook{hook: postHook}
	runPre      = runHook{hook: preHook}
	runPreBound = runHook{hook: preHook, bound: 28 * time.Second}
	failedStart = &postStartError{result: postFailed}
)

func acts(parts ...any) []action {
	var all []action
	for _, p := range parts {
		switch p := p.(type) {
		case []action:
			all = append(all, p...)
		case action:
			all = append(all, p)
		}
	}
	return all
}

func begin() []move {
	return []move{
		{started, withhold, nil, starting},
		{startReturned{}, pass, acts(startAlarm, runPost), postStart},
	}
}

func up() []move {
	return append(begin(), move{hookEnded{postOK}, pass, acts(report{postOK}, stopStart, resolveStart{err: nil}), running})
}

func TestMachine(t *testing.T) {
	cancelledPost, cancelledPre := postSuspect, preSuspect
	cancelledPost.Outcome, cancelledPost.Cause, cancelledPost.Suspect = hooks.Cancelled, hooks.CauseCancelled, false
	cancelledPre.Outcome, cancelledPre.Cause, cancelledPre.Suspect = hooks.Cancelled, hooks.CauseCancelled, false
	clearedPost := postSuspect
	clearedPost.Suspect = false
	runtimeErr := errors.New("exec: no such file")
	grace := 60 * time.Second
	tests := []struct {
		name     string
		change   func(*hooks.Lifecycle)
		restored bool
		moves    []move
	}{
		{name: "postStart succeeds", moves: up()},
		{name: "the runtime cannot start", moves: []move{
			{started, withhold, nil, starting},
			{startReturned{runtimeErr}, pass, acts(stopStart, resolveStart{err: runtimeErr}), created},
			{started, withhold, nil, starting},
		}},
		{name: "no postStart", change: func(l *hooks.Lifecycle) { l.PostStart = nil }, moves: []move{
			{started, withhold, nil, starting},
			{startReturned{}, pass, acts(stopStart, resolveStart{err: nil}), running},
		}},
		{name: "restored from a checkpoint", restored: true, moves: []move{
			{started, withhold, nil, starting},
			{startReturned{}, pass, acts(stopStart, resolveStart{err: nil}), running},
		}},
		{name: "a second Start passes", moves: append(begin(), move{started, pass, nil, postStart})},
		{name: "postStart fails", moves: append(begin(),
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, setTimerAt{cutTimer, deadline.Add(-cutBefore)}, runPreBound), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{sigterm}), delivering},
			move{signalDelivered{}, pass, acts(grace30), stopping},
			move{timerFired{graceTimer}, pass, acts(stopRest, killInit{}), killing},
			move{initExited{}, pass, acts(stopRest, stopStart, resolveStart{err: failedStart, exited: true}), exited},
		)},
		{name: "postStart fails and the stop is cut before the deadline", moves: append(begin(),
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, setTimerAt{cutTimer, deadline.Add(-cutBefore)}, runPreBound), preStop},
			move{timerFired{cutTimer}, pass, acts(cancelHook{}, stopRest, killInit{}), killing},
			move{hookEnded{resultOf(hooks.PreStop, hooks.Cancelled, hooks.CauseCancelled)}, pass,
				acts(report{resultOf(hooks.PreStop, hooks.Cancelled, hooks.CauseCancelled)}), killing},
			move{timerFired{startTimer}, pass, acts(stopStart, resolveStart{err: errors.Join(failedStart, errStartDeadline)}), killing},
		)},
		{name: "postStart fails without preStop", change: func(l *hooks.Lifecycle) { l.PreStop, l.StopSignal = nil, syscall.SIGQUIT }, moves: append(begin(),
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, setTimerAt{cutTimer, deadline.Add(-cutBefore)},
				signalInit{delivery{signal: syscall.SIGQUIT}}), delivering},
		)},
		{name: "postStart fails and is ignored", change: func(l *hooks.Lifecycle) { l.PostStart = ignoredHook }, moves: []move{
			{started, withhold, nil, starting},
			{startReturned{}, pass, acts(startAlarm, runHook{hook: ignoredHook}), postStart},
			{hookEnded{postFailed}, pass, acts(report{postFailed}, stopStart, resolveStart{err: nil}), running},
		}},
		{name: "the init exits during postStart", moves: append(begin(),
			move{initExited{}, pass, acts(cancelHook{}, stopRest, stopStart, resolveStart{err: nil, exited: true}), exited},
			move{hookEnded{postFailed}, pass, acts(report{resultOf(hooks.PostStart, hooks.Cancelled, hooks.CauseCancelled)}), exited},
		)},
		{name: "the init exits after it took its hook along", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{initExited{}, pass, acts(report{cancelledPost}, stopRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "a suspect failure with a living init", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
			move{judged{alive: true}, pass, acts(report{clearedPost}, setTimerAt{cutTimer, deadline.Add(-cutBefore)}, runPreBound), preStop},
		)},
		{name: "a suspect failure with an init that takes its time to die", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
			move{judged{alive: false}, pass, nil, judging},
			move{initExited{}, pass, acts(report{cancelledPost}, stopRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "a stop signal while the runtime starts a container without postStart", change: func(l *hooks.Lifecycle) { l.PostStart = nil }, moves: []move{
			{started, withhold, nil, starting},
			{stopRequested{sigterm}, absorb, nil, starting},
			{startReturned{}, pass, acts(stopStart, resolveStart{err: nil}, runPre), preStop},
		}},
		{name: "a stop signal while the runtime starts, which then fails", moves: []move{
			{started, withhold, nil, starting},
			{stopRequested{sigterm}, absorb, nil, starting},
			{startReturned{runtimeErr}, pass, acts(stopStart, resolveStart{err: runtimeErr}, signalInit{sigterm}), created},
			{signalDelivered{}, pass, nil, created},
		}},
		{name: "SIGKILL during postStart", moves: append(begin(),
			move{sigkillSent{}, pass, acts(cancelHook{}, stopRest), killing},
			move{hookEnded{postCancel}, pass, acts(report{postCancel}), killing},
			move{initExited{}, pass, acts(stopRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "a stop signal during postStart", moves: append(begin(),
			move{stopRequested{sigterm}, absorb, acts(cancelHook{}), postStart},
			move{stopRequested{sigterm}, absorb, nil, postStart},
			move{hookEnded{postCancel}, pass, acts(report{postCancel}, runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{sigterm}), delivering},
			move{signalDelivered{}, pass, acts(grace30), stopping},
			move{initExited{}, pass, acts(stopRest, stopStart, resolveStart{err: errStoppedWhileStarting, exited: true}), exited},
		)},
		{name: "a stop signal while the runtime starts", moves: []move{
			{started, withhold, nil, starting},
			{stopRequested{sigterm}, absorb, nil, starting},
			{startReturned{}, pass, acts(startAlarm, runPre), preStop},
		}},
		{name: "a stop signal while a failure is judged", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{stopRequested{sigterm}, absorb, acts(stopTimer{judgeTimer}, report{cancelledPost}, runPre), preStop},
		)},
		{name: "the deadline of Start passes", moves: append(begin(),
			move{timerFired{startTimer}, pass, acts(cancelHook{}, stopRest, killInit{}), killing},
			move{initExited{}, pass, acts(stopRest, stopStart, resolveStart{err: errStartDeadline, exited: true}), exited},
		)},
		{name: "the connection drops", moves: append(begin(),
			move{startLost{}, pass, acts(stopTimer{startTimer}), postStart},
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, runPreBound), preStop},
		)},
		{name: "the connection drops and nothing else bounds the hook", change: func(l *hooks.Lifecycle) { l.PostStart = endlessHook }, moves: []move{
			{started, withhold, nil, starting},
			{startReturned{}, pass, acts(startAlarm, runHook{hook: endlessHook}), postStart},
			{startLost{}, pass, nil, postStart},
			{timerFired{startTimer}, pass, acts(cancelHook{}, stopRest, killInit{}), killing},
		}},
		{name: "the sandbox goes during postStart", moves: append(begin(),
			move{sandboxGone{}, pass, acts(cancelHook{}, stopRest, killInit{}), killing},
			move{initExited{}, pass, acts(stopRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "the sandbox goes while the runtime starts", moves: []move{
			{started, withhold, nil, starting},
			{sandboxGone{}, pass, nil, starting},
			{startReturned{}, pass, acts(startAlarm, stopRest, killInit{}), killing},
		}},
		{name: "the sandbox of a running container goes", moves: append(up(), move{sandboxGone{}, pass, nil, running})},
		{name: "a stop", moves: append(up(),
			move{stopRequested{delivery{syscall.SIGTERM, true}}, absorb, acts(runPre), preStop},
			move{stopRequested{sigterm}, absorb, nil, preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{delivery{syscall.SIGTERM, true}}), delivering},
			move{stopRequested{sigterm}, absorb, nil, delivering},
			move{signalDelivered{}, pass, acts(grace30), stopping},
			move{stopRequested{sigterm}, pass, nil, stopping},
			move{timerFired{graceTimer}, pass, nil, running},
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
		)},
		{name: "preStop fails", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preFailed}, pass, acts(report{preFailed}, signalInit{sigterm}), delivering},
		)},
		{name: "the signal cannot be delivered", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{sigterm}), delivering},
			move{signalDelivered{runtimeErr}, pass, acts(grace30), stopping},
		)},
		{name: "preStop is bounded by a known grace period", change: func(l *hooks.Lifecycle) { l.GracePeriod = &grace }, moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runHook{preHook, 58 * time.Second}), preStop},
			move{hookEnded{preTimeout}, pass, acts(report{preTimeout}, signalInit{sigterm}), delivering},
			move{signalDelivered{}, pass, acts(setTimer{graceTimer, grace}), stopping},
		)},
		{name: "a grace period of nothing leaves preStop no time", change: func(l *hooks.Lifecycle) { l.GracePeriod = new(time.Duration) },
			moves: append(up(), move{stopRequested{sigterm}, pass, nil, running})},
		{name: "SIGKILL during preStop", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{sigkillSent{}, pass, acts(cancelHook{}, stopRest), killing},
			move{stopRequested{sigterm}, pass, nil, killing},
		)},
		{name: "the init exits during preStop", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{initExited{}, pass, acts(cancelHook{}, stopRest), exited},
			move{hookEnded{preFailed}, pass, acts(report{resultOf(hooks.PreStop, hooks.Cancelled, hooks.CauseCancelled)}), exited},
		)},
		{name: "the init takes its preStop along", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{stopRequested{sigterm}, absorb, nil, judging},
			move{initExited{}, pass, acts(report{cancelledPre}, stopRest), exited},
		)},
		{name: "stopSignal takes the signal's place", change: func(l *hooks.Lifecycle) { l.StopSignal = syscall.SIGUSR1 }, moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{delivery{signal: syscall.SIGUSR1}}), delivering},
		)},
		{name: "stopSignal without preStop goes on the client's call", change: func(l *hooks.Lifecycle) { l.StopSignal, l.PreStop = syscall.SIGUSR1, nil }, moves: append(up(),
			move{stopRequested{sigterm}, deliver, nil, delivering},
			move{signalDelivered{}, pass, acts(grace30), stopping},
		)},
		{name: "a container that was never started", moves: []move{
			{stopRequested{sigterm}, pass, nil, created},
			{initExited{}, pass, acts(stopRest), exited},
		}},
		{name: "the exit is seen before the runtime's start returned", moves: []move{
			{started, withhold, nil, starting},
			{initExited{}, pass, acts(stopRest, stopStart, resolveStart{err: nil, exited: true}), exited},
			{startReturned{}, pass, nil, exited},
			{initExited{}, pass, nil, exited},
		}},
		{name: "SIGKILL while the runtime starts, which then fails", moves: []move{
			{started, withhold, nil, starting},
			{sigkillSent{}, pass, acts(stopRest), killing},
			{startReturned{runtimeErr}, pass, acts(stopStart, resolveStart{err: runtimeErr}), killing},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &machine{hooks: lifecycleOf(tt.change), restored: tt.restored}
			for i, mv := range tt.moves {
				ans, got := m.step(mv.event)
				at := fmt.Sprintf("move %d, %T", i, mv.event)
				if ans.kind != mv.answer {
					t.Errorf("%s: answer %v, want %v", at, ans.kind, mv.answer)
				}
				if !reflect.DeepEqual(got, mv.actions) {
					t.Errorf("%s: actions\n got %+v\nwant %+v", at, got, mv.actions)
				}
				if m.phase != mv.phase {
					t.Fatalf("%s: phase %s, want %s", at, m.phase, mv.phase)
				}
			}
		})
	}
}

func TestTransitionsAreClosed(t *testing.T) {
	for from, tos := range transitions {
		for _, to := range tos {
			if _, ok := transitions[to]; !ok {
				t.Errorf("%s leads to %s, which is no phase", from, to)
			}
		}
	}
	if len(transitions) != len(phaseNames) {
		t.Errorf("%d phases have transitions, %d have names", len(transitions), len(phaseNames))
	}
	_, err := exited.next(running)
	var illegal *transitionError
	if !errors.As(err, &illegal) {
		t.Errorf("exited to running: got %v, want a transitionError", err)
	}
}

// TestMachineNeverLeavesItsTable feeds every event to every reachable phase,
// five deep: no order of events may lead to an illegal step.
func TestMachineNeverLeavesItsTable(t *testing.T) {
	events := []event{
		started, startReturned{}, startReturned{errors.New("no")}, startLost{},
		hookEnded{postOK}, hookEnded{postFailed}, hookEnded{postSuspect}, hookEnded{preOK}, hookEnded{preSuspect},
		stopRequested{sigterm}, sigkillSent{}, signalDelivered{}, initExited{}, sandboxGone{}, judged{true}, judged{false},
		timerFired{startTimer}, timerFired{cutTimer}, timerFired{judgeTimer}, timerFired{graceTimer},
	}
	type world struct {
		m          machine
		hook       hooks.Point // which hook runs
		inStart    bool
		inDelivery bool
	}
	possible := func(w world, ev event) bool {
		switch ev := ev.(type) {
		case hookEnded:
			return w.hook == ev.result.Point
		case startReturned:
			return w.inStart
		case signalDelivered:
			return w.inDelivery
		}
		return true
	}
	var walk func(w world, path []string, depth int)
	walk = func(w world, path []string, depth int) {
		for _, ev := range events {
			if !possible(w, ev) {
				continue
			}
			next := w
			if w.m.withheld != nil {
				withheld := *w.m.withheld
				next.m.withheld = &withheld
			}
			trail := slices.Concat(path, []string{fmt.Sprintf("%T", ev)})
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Fatalf("%v: %v", trail, p)
					}
				}()
				ans, actions := next.m.step(ev)
				switch ev.(type) {
				case hookEnded:
					next.hook = ""
				case startReturned:
					next.inStart = false
				case signalDelivered:
					next.inDelivery = false
				}
				next.inStart = next.inStart || ans.kind == withhold
				next.inDelivery = next.inDelivery || ans.kind == deliver
				for _, a := range actions {
					switch a := a.(type) {
					case runHook:
						if next.hook != "" {
							t.Fatalf("%v: %s starts while %s runs", trail, a.hook.Point, next.hook)
						}
						next.hook = a.hook.Point
					case signalInit:
						next.inDelivery = true
					}
				}
			}()
			if depth > 1 {
				walk(next, trail, depth-1)
			}
		}
	}
	for _, change := range []func(*hooks.Lifecycle){nil, func(l *hooks.Lifecycle) { l.PreStop = nil; l.StopSignal = syscall.SIGINT }} {
		walk(world{m: machine{hooks: lifecycleOf(change)}}, nil, 5)
	}
}
