package shim

import (
	"fmt"
	"slices"
)

// phase is where a container with hooks stands.
//
//	created ── Start ──> starting ──> postStart ──> running <───────────────┐
//	                        │             │            │ stop signal        │ one grace
//	                        │             v            v                    │ period on
//	                        │          judging <──> preStop ──> delivering ─┴> stopping
//	                        └── stop signal came meanwhile ──────────^
//
// From every phase: a SIGKILL that got through to killed, the init's exit to exited;
// from every one but created: bookend's own SIGKILL to killing.
type phase uint8

const (
	// created: the task exists, its entrypoint was not started.
	created phase = iota
	// starting: the runtime's own start is under way.
	starting
	// postStart: the entrypoint runs, its hook runs, Start is withheld.
	postStart
	// judging: a hook failed in a way the init's exit would explain; whether
	// that exit comes is waited for.
	judging
	// running: no hook runs, no stop is under way.
	running
	// preStop: a stop signal came and waits for the hook.
	preStop
	// delivering: the stop signal is on its way to the init.
	delivering
	// stopping: the stop signal was delivered; every signal passes through.
	stopping
	// killing: bookend kills the container; no SIGKILL has got through yet.
	killing
	// killed: a SIGKILL got through; only the exit is waited for.
	killed
	// exited: the init is gone.
	exited
)

var phaseNames = map[phase]string{
	created: "created", starting: "starting", postStart: "postStart", judging: "judging", running: "running",
	preStop: "preStop", delivering: "delivering", stopping: "stopping", killing: "killing", killed: "killed", exited: "exited",
}

func (p phase) String() string { return phaseNames[p] }

// transitions is every step a container may take from one phase to another.
var transitions = map[phase][]phase{
	created:    {starting, killed, exited},
	starting:   {created, postStart, running, preStop, delivering, killing, killed, exited},
	postStart:  {judging, running, preStop, delivering, killing, killed, exited},
	judging:    {running, preStop, delivering, killing, killed, exited},
	running:    {preStop, delivering, killing, killed, exited},
	preStop:    {judging, delivering, killing, killed, exited},
	delivering: {running, stopping, killing, killed, exited},
	stopping:   {running, killing, killed, exited},
	killing:    {killed, exited},
	killed:     {exited},
	exited:     {},
}

// transitionError is a step that [transitions] does not list: a fault of
// bookend's own.
type transitionError struct{ from, to phase }

func (e *transitionError) Error() string {
	return fmt.Sprintf("no transition from %s to %s", e.from, e.to)
}

func (p phase) next(to phase) (phase, error) {
	if !slices.Contains(transitions[p], to) {
		return p, &transitionError{from: p, to: to}
	}
	return to, nil
}
