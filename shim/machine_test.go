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
	stopStart   = []action{stopTimer{startTimer}, stopTimer{replyTimer}, stopTimer{cutTimer}}
	stopRest    = []action{stopTimer{cutTimer}, stopTimer{judgeTimer}, stopTimer{graceTimer}, stopTimer{undeliveredTimer}, stopTimer{passedTimer}}
	endRest     = acts(cancelSignal{}, stopRest)
	bound       = setTimer{undeliveredTimer, undeliveredTime}
	delivered   = stopTimer{undeliveredTimer}
	started     = startRequested{at: epoch, deadline: deadline}
	startAlarm  = acts(setTimerAt{startTimer, deadline.Add(-replyBefore)}, setTimerAt{replyTimer, deadline.Add(-replyBefore / 4)})
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

// askedInVain is an init that is looked at again and again.
func askedInVain(l hooks.Liveness, times int) []move {
	var all []move
	for range times {
		all = append(all, move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
			move{judged{l}, pass, acts(setTimer{judgeTimer, judgeTime}), judging})
	}
	return all
}

func TestMachine(t *testing.T) {
	cancelledPost, cancelledPre := postSuspect, preSuspect
	cancelledPost.Outcome, cancelledPost.Cause, cancelledPost.Suspect = hooks.Cancelled, hooks.CauseCancelled, false
	cancelledPre.Outcome, cancelledPre.Cause, cancelledPre.Suspect = hooks.Cancelled, hooks.CauseCancelled, false
	clearedPost := postSuspect
	clearedPost.Suspect = false
	clearedPre := preSuspect
	clearedPre.Suspect = false
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
			{startReturned{err: runtimeErr}, pass, nil, created},
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
			move{hookEnded{preOK}, pass, acts(report{preOK}, grace30, signalInit{sigterm}, bound), delivering},
			move{signalDelivered{}, pass, acts(delivered, grace30), stopping},
			move{timerFired{graceTimer}, pass, acts(stopRest, killInit{}), killing},
			move{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: failedStart, exited: true}), exited},
		)},
		{name: "postStart fails and the stop is cut before the deadline", moves: append(begin(),
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, setTimerAt{cutTimer, deadline.Add(-cutBefore)}, runPreBound), preStop},
			move{timerFired{cutTimer}, pass, acts(cancelHook{}, stopRest, killInit{}), killing},
			move{hookEnded{resultOf(hooks.PreStop, hooks.Cancelled, hooks.CauseCancelled)}, pass,
				acts(report{resultOf(hooks.PreStop, hooks.Cancelled, hooks.CauseCancelled)}), killing},
			move{timerFired{startTimer}, pass, nil, killing},
			move{timerFired{replyTimer}, pass, acts(stopStart, resolveStart{err: &killPendingError{failedStart}}), killing},
		)},
		{name: "postStart fails without preStop", change: func(l *hooks.Lifecycle) { l.PreStop, l.StopSignal = nil, syscall.SIGQUIT }, moves: append(begin(),
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, setTimerAt{cutTimer, deadline.Add(-cutBefore)},
				grace30, signalInit{delivery{signal: syscall.SIGQUIT}}, bound), delivering},
		)},
		{name: "postStart fails and is ignored", change: func(l *hooks.Lifecycle) { l.PostStart = ignoredHook }, moves: []move{
			{started, withhold, nil, starting},
			{startReturned{}, pass, acts(startAlarm, runHook{hook: ignoredHook}), postStart},
			{hookEnded{postFailed}, pass, acts(report{postFailed}, stopStart, resolveStart{err: nil}), running},
		}},
		{name: "the init exits during postStart", moves: append(begin(),
			move{initExited{}, pass, acts(cancelHook{}, endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
			move{hookEnded{postFailed}, pass, acts(report{resultOf(hooks.PostStart, hooks.Cancelled, hooks.CauseCancelled)}), exited},
		)},
		{name: "the init exits after it took its hook along", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{initExited{}, pass, acts(report{cancelledPost}, endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "a suspect failure with a living init", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
			move{judged{hooks.Alive}, pass, acts(report{clearedPost}, setTimerAt{cutTimer, deadline.Add(-cutBefore)}, runPreBound), preStop},
		)},
		{name: "a suspect failure with an init that takes its time to die", moves: append(begin(),
			move{hookEnded{postSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
			move{judged{hooks.Gone}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{initExited{}, pass, acts(report{cancelledPost}, endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "a stop signal while the runtime starts a container without postStart", change: func(l *hooks.Lifecycle) { l.PostStart = nil }, moves: []move{
			{started, withhold, nil, starting},
			{stopRequested{sigterm}, absorb, nil, starting},
			{startReturned{}, pass, acts(stopStart, resolveStart{err: nil}, runPre), preStop},
		}},
		{name: "a stop signal while the runtime starts, which then fails", moves: []move{
			{started, withhold, nil, starting},
			{stopRequested{sigterm}, absorb, nil, starting},
			{startReturned{err: runtimeErr}, pass, acts(signalInit{sigterm}, bound), created},
			{signalDelivered{}, pass, acts(delivered), created},
		}},
		{name: "SIGKILL during postStart", moves: append(begin(),
			move{sigkillSent{}, pass, acts(cancelHook{}, endRest), killed},
			move{hookEnded{postCancel}, pass, acts(report{postCancel}), killed},
			move{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "a stop signal during postStart", moves: append(begin(),
			move{stopRequested{sigterm}, absorb, acts(cancelHook{}), postStart},
			move{stopRequested{sigterm}, absorb, nil, postStart},
			move{hookEnded{postCancel}, pass, acts(report{postCancel}, runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{sigterm}, bound), delivering},
			move{signalDelivered{}, pass, acts(delivered, grace30), stopping},
			move{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: errStoppedWhileStarting, exited: true}), exited},
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
			move{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: errStartDeadline, exited: true}), exited},
		)},
		{name: "the connection drops", moves: append(begin(),
			move{startLost{}, pass, acts(stopTimer{startTimer}, stopTimer{replyTimer}), postStart},
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
			move{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		)},
		{name: "the sandbox goes while the runtime starts", moves: []move{
			{started, withhold, nil, starting},
			{sandboxGone{}, pass, nil, starting},
			{startReturned{}, pass, acts(startAlarm, stopRest, killInit{}), killing},
		}},
		{name: "the sandbox of a running container goes", moves: append(up(), move{sandboxGone{}, pass, nil, running})},
		{name: "a stop", moves: append(up(),
			move{stopRequested{delivery{signal: syscall.SIGTERM, all: true}}, absorb, acts(runPre), preStop},
			move{stopRequested{sigterm}, absorb, nil, preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{delivery{signal: syscall.SIGTERM, all: true}}, bound), delivering},
			move{stopRequested{sigterm}, absorb, nil, delivering},
			move{signalDelivered{}, pass, acts(delivered, grace30), stopping},
			move{stopRequested{sigterm}, pass, nil, stopping},
			move{timerFired{graceTimer}, pass, nil, running},
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
		)},
		{name: "preStop fails", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preFailed}, pass, acts(report{preFailed}, signalInit{sigterm}, bound), delivering},
		)},
		{name: "the signal cannot be delivered for a while", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{sigterm}, bound), delivering},
			move{signalFailed{runtimeErr}, pass, nil, delivering},
			move{stopRequested{sigterm}, absorb, nil, delivering},
			move{timerFired{undeliveredTimer}, pass, acts(tellUndelivered{sigterm, runtimeErr}), delivering},
			move{timerFired{undeliveredTimer}, pass, nil, delivering},
			move{signalDelivered{}, pass, acts(delivered, tellUndeliveredEnd{true}, grace30), stopping},
			move{initExited{}, pass, endRest, exited},
		)},
		{name: "the init ends before the signal is delivered", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{sigterm}, bound), delivering},
			move{timerFired{undeliveredTimer}, pass, acts(tellUndelivered{sigterm, nil}), delivering},
			move{sigkillSent{}, pass, endRest, killed},
			move{initExited{}, pass, acts(endRest, tellUndeliveredEnd{false}), exited},
		)},
		{name: "the signal of a failed postStart cannot be delivered", moves: append(begin(),
			move{hookEnded{postFailed}, pass, acts(report{postFailed}, setTimerAt{cutTimer, deadline.Add(-cutBefore)}, runPreBound), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, grace30, signalInit{sigterm}, bound), delivering},
			move{signalFailed{runtimeErr}, pass, nil, delivering},
			move{timerFired{graceTimer}, pass, acts(stopRest, killInit{}), killing},
			move{stopRequested{sigterm}, absorb, nil, killing},
			move{sigkillSent{}, pass, stopRest, killed},
			move{stopRequested{sigterm}, pass, nil, killed},
			move{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: failedStart, exited: true}), exited},
		)},
		{name: "the client's own stopSignal fails", change: func(l *hooks.Lifecycle) { l.StopSignal, l.PreStop = syscall.SIGUSR1, nil }, moves: append(up(),
			move{stopRequested{sigterm}, deliver, nil, delivering},
			move{signalReturned{err: runtimeErr}, pass, nil, running},
			move{stopRequested{sigterm}, deliver, nil, delivering},
			move{stopRequested{sigterm}, absorb, nil, delivering},
			move{signalReturned{err: runtimeErr}, pass, acts(signalInit{delivery{signal: syscall.SIGUSR1}}, bound), delivering},
			move{signalDelivered{}, pass, acts(delivered, grace30), stopping},
		)},
		{name: "the client's own stopSignal finds no process", change: func(l *hooks.Lifecycle) { l.StopSignal, l.PreStop = syscall.SIGUSR1, nil }, moves: append(up(),
			move{stopRequested{sigterm}, deliver, nil, delivering},
			move{signalReturned{err: runtimeErr, gone: true}, pass, acts(delivered, grace30), stopping},
		)},
		{name: "nothing can be said of the init", moves: append(append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging}),
			append(askedInVain(hooks.CannotSay, judgeUnknown-1),
				move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
				move{judged{hooks.CannotSay}, pass, acts(report{clearedPre}, signalInit{sigterm}, bound), delivering})...,
		)},
		{name: "an init that is dying does not end", moves: append(append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging}),
			append(askedInVain(hooks.Gone, judgeGone-1),
				move{timerFired{judgeTimer}, pass, acts(judgeInit{}), judging},
				move{judged{hooks.Gone}, pass, acts(report{clearedPre}, signalInit{sigterm}, bound), delivering})...,
		)},
		{name: "a second Start while the runtime starts", moves: []move{
			{started, withhold, nil, starting},
			{started, later, nil, starting},
			{startReturned{err: runtimeErr}, pass, nil, created},
			{started, withhold, nil, starting},
		}},
		{name: "a Start that failed has started the init", moves: []move{
			{started, withhold, nil, starting},
			{startReturned{err: runtimeErr, started: true}, pass, nil, running},
			{started, pass, nil, running},
			{stopRequested{sigterm}, absorb, acts(runPre), preStop},
		}},
		{name: "a Start that failed has started the init, which is to stop", moves: []move{
			{started, withhold, nil, starting},
			{stopRequested{sigterm}, absorb, nil, starting},
			{startReturned{err: runtimeErr, started: true}, pass, acts(runPre), preStop},
		}},
		{name: "a Start that failed has started the init in a dead sandbox", moves: []move{
			{started, withhold, nil, starting},
			{sandboxGone{}, pass, nil, starting},
			{startReturned{err: runtimeErr, started: true}, pass, acts(stopRest, killInit{}), killing},
		}},
		{name: "the sandbox goes before Start", moves: []move{
			{sandboxGone{}, pass, nil, created},
			{started, withhold, nil, starting},
			{startReturned{err: runtimeErr}, pass, nil, created},
			{started, withhold, nil, starting},
			{startReturned{}, pass, acts(startAlarm, stopRest, killInit{}), killing},
			{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
		}},
		{name: "a signal outside the set ends the container", moves: append(up(),
			move{signalPassing{syscall.SIGUSR1}, pass, acts(setTimer{passedTimer, 30 * time.Second}), running},
			move{initExited{}, pass, acts(tellUnheeded{syscall.SIGUSR1}, endRest), exited},
		)},
		{name: "a signal outside the set does not", moves: append(up(),
			move{signalPassing{syscall.SIGUSR1}, pass, acts(setTimer{passedTimer, 30 * time.Second}), running},
			move{timerFired{passedTimer}, pass, nil, running},
			move{initExited{}, pass, endRest, exited},
		)},
		{name: "a signal outside the set of a container without preStop", change: func(l *hooks.Lifecycle) { l.PreStop = nil }, moves: append(up(),
			move{signalPassing{syscall.SIGUSR1}, pass, nil, running},
			move{initExited{}, pass, endRest, exited},
		)},
		{name: "preStop is bounded by a known grace period", change: func(l *hooks.Lifecycle) { l.GracePeriod = &grace }, moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runHook{hook: preHook, bound: 58 * time.Second}), preStop},
			move{hookEnded{preTimeout}, pass, acts(report{preTimeout}, signalInit{sigterm}, bound), delivering},
			move{signalDelivered{}, pass, acts(delivered, setTimer{graceTimer, grace}), stopping},
		)},
		{name: "a grace period of nothing leaves preStop no time", change: func(l *hooks.Lifecycle) { l.GracePeriod = new(time.Duration) },
			moves: append(up(), move{stopRequested{sigterm}, pass, nil, running})},
		{name: "SIGKILL during preStop", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{sigkillSent{}, pass, acts(cancelHook{}, endRest), killed},
			move{stopRequested{sigterm}, pass, nil, killed},
		)},
		{name: "the init exits during preStop", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{initExited{}, pass, acts(cancelHook{}, endRest), exited},
			move{hookEnded{preFailed}, pass, acts(report{resultOf(hooks.PreStop, hooks.Cancelled, hooks.CauseCancelled)}), exited},
		)},
		{name: "the init takes its preStop along", moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preSuspect}, pass, acts(setTimer{judgeTimer, judgeTime}), judging},
			move{stopRequested{sigterm}, absorb, nil, judging},
			move{initExited{}, pass, acts(report{cancelledPre}, endRest), exited},
		)},
		{name: "stopSignal takes the signal's place", change: func(l *hooks.Lifecycle) { l.StopSignal = syscall.SIGUSR1 }, moves: append(up(),
			move{stopRequested{sigterm}, absorb, acts(runPre), preStop},
			move{hookEnded{preOK}, pass, acts(report{preOK}, signalInit{delivery{signal: syscall.SIGUSR1}}, bound), delivering},
		)},
		{name: "stopSignal without preStop goes on the client's call", change: func(l *hooks.Lifecycle) { l.StopSignal, l.PreStop = syscall.SIGUSR1, nil }, moves: append(up(),
			move{stopRequested{sigterm}, deliver, nil, delivering},
			move{signalReturned{}, pass, acts(delivered, grace30), stopping},
		)},
		{name: "a container that was never started", moves: []move{
			{stopRequested{sigterm}, pass, nil, created},
			{initExited{}, pass, acts(endRest), exited},
		}},
		{name: "the exit is seen before the runtime's start returned", moves: []move{
			{started, withhold, nil, starting},
			{initExited{}, pass, acts(endRest, stopStart, resolveStart{err: nil, exited: true}), exited},
			{startReturned{}, pass, nil, exited},
			{initExited{}, pass, nil, exited},
		}},
		{name: "SIGKILL while the runtime starts, which then fails", moves: []move{
			{started, withhold, nil, starting},
			{sigkillSent{}, pass, acts(endRest), killed},
			{startReturned{err: runtimeErr}, pass, acts(stopStart, resolveStart{err: runtimeErr}), killed},
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
// six deep: no order of events may lead to an illegal step.
func TestMachineNeverLeavesItsTable(t *testing.T) {
	events := []event{
		started, startReturned{}, startReturned{err: errors.New("no")}, startReturned{err: errors.New("no"), started: true}, startLost{},
		hookEnded{postOK}, hookEnded{postFailed}, hookEnded{postSuspect}, hookEnded{preOK}, hookEnded{preSuspect},
		stopRequested{sigterm}, sigkillSent{}, signalDelivered{}, signalFailed{errors.New("no")}, signalReturned{}, signalReturned{err: errors.New("no")}, signalPassing{syscall.SIGUSR1},
		initExited{}, sandboxGone{}, judged{hooks.Alive}, judged{hooks.Gone}, judged{hooks.CannotSay},
		timerFired{startTimer}, timerFired{cutTimer}, timerFired{judgeTimer}, timerFired{graceTimer},
		timerFired{replyTimer}, timerFired{undeliveredTimer}, timerFired{passedTimer},
	}
	type world struct {
		m          machine
		hook       hooks.Point // which hook runs
		inStart    bool
		inDelivery bool // of the task's own
		inCall     bool // of a client's
		timers     uint // a bit each: it runs
	}
	possible := func(w world, ev event) bool {
		switch ev := ev.(type) {
		case hookEnded:
			return w.hook == ev.result.Point
		case startReturned:
			return w.inStart
		case signalDelivered, signalFailed:
			return w.inDelivery
		case signalReturned:
			return w.inCall
		case timerFired:
			return w.timers&(1<<ev.timer) != 0
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
			if w.m.sending != nil {
				sending := *w.m.sending
				next.m.sending = &sending
			}
			trail := slices.Concat(path, []string{fmt.Sprintf("%T", ev)})
			func() {
				defer func() {
					if p := recover(); p != nil {
						t.Fatalf("%v: %v", trail, p)
					}
				}()
				ans, actions := next.m.step(ev)
				switch ev := ev.(type) {
				case hookEnded:
					next.hook = ""
				case startReturned:
					next.inStart = false
				case signalDelivered:
					next.inDelivery = false
				case signalReturned:
					next.inCall = false
				case timerFired:
					next.timers &^= 1 << ev.timer
				}
				next.inStart = next.inStart || ans.kind == withhold
				next.inCall = next.inCall || ans.kind == deliver
				for _, a := range actions {
					switch a := a.(type) {
					case runHook:
						if next.hook != "" {
							t.Fatalf("%v: %s starts while %s runs", trail, a.hook.Point, next.hook)
						}
						next.hook = a.hook.Point
					case signalInit:
						next.inDelivery = true
					case cancelSignal, killInit:
						next.inDelivery = false
					case setTimer:
						next.timers |= 1 << a.timer
					case setTimerAt:
						next.timers |= 1 << a.timer
					case stopTimer:
						next.timers &^= 1 << a.timer
					}
				}
			}()
			if depth > 1 {
				walk(next, trail, depth-1)
			}
		}
	}
	for _, change := range []func(*hooks.Lifecycle){nil, func(l *hooks.Lifecycle) { l.PreStop = nil; l.StopSignal = syscall.SIGINT }} {
		walk(world{m: machine{hooks: lifecycleOf(change)}}, nil, 6)
	}
}
