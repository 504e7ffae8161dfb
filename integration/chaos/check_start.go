package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
)

// The rules in this file are about Start and about what ends a container by
// itself.

func startSilent(h *history) string {
	for _, c := range h.calls(opStart) {
		if c.Ended.IsZero() || c.Ended.After(h.Ended) {
			return fmt.Sprintf("it did not in %s", h.Ended.Sub(c.Began).Round(time.Millisecond))
		}
	}
	return ""
}

func startLies(h *history) string {
	for _, c := range h.calls(opStart) {
		if c.Alive && (c.Aborted || strings.Contains(c.Err, "was killed")) {
			return fmt.Sprintf("the init lives, and the reply is: %s", c.Err)
		}
	}
	return ""
}

// startUnhooked looks at Starts that succeeded though nothing but their hook
// could end the wait.
func startUnhooked(h *history) string {
	if h.Plan.Post == nil || !slices.ContainsFunc(h.calls(opStart), call.ok) || excused(h) {
		return ""
	}
	posts := h.of(hooks.PostStart)
	if len(posts) == 0 {
		return "Start succeeded, and postStart has no record"
	}
	last := posts[len(posts)-1]
	if last.Outcome == hooks.Succeeded || h.Plan.Post.ignore {
		return ""
	}
	return fmt.Sprintf("Start succeeded, and postStart is %s", last.Outcome)
}

// excused tells whether the init ended, or was ended, for a reason of its own.
func excused(h *history) bool {
	killed := slices.ContainsFunc(h.calls(opKill), func(c call) bool { return c.Signal == 9 })
	return killed || len(h.marks("gone")) > 0 || len(h.marks("quit")) > 0 || h.happened(opKillShim) || h.happened(opKillSandbox) || h.happened(opDelete)
}

func startsSucceed(h *history) string {
	n := 0
	for _, c := range h.calls(opStart) {
		if c.ok() {
			n++
		}
	}
	if n > 1 {
		return fmt.Sprintf("%d did", n)
	}
	return ""
}

// spared wants the containers dead that bookend has to end by itself.
func spared(h *history) string {
	if h.Survived && mustDie(h) {
		return "the init lives"
	}
	return ""
}

// mustDie tells whether something ends the container without any client.
func mustDie(h *history) bool {
	return h.happened(opKillShim) || postStartFailed(h) || sandboxDied(h) || startTimedOut(h)
}

// postStartFailed tells whether a postStart failed for good, and takes its
// container along.
func postStartFailed(h *history) bool {
	posts := h.of(hooks.PostStart)
	if len(posts) == 0 || h.Plan.Post == nil || h.Plan.Post.ignore {
		return false
	}
	last := posts[len(posts)-1]
	return last.Outcome == hooks.TimedOut || last.Outcome == hooks.Failed && last.Attempt > h.Plan.Post.retries
}

// sandboxDied tells whether the sandbox was killed before a Start had
// succeeded.
func sandboxDied(h *history) bool {
	for _, c := range h.calls(opKillSandbox) {
		started := slices.ContainsFunc(h.calls(opStart), func(s call) bool { return s.ok() && s.Ended.Before(c.Ended) })
		if c.ok() && !started {
			return true
		}
	}
	return false
}

func startTimedOut(h *history) bool {
	posts := h.of(hooks.PostStart)
	ended := len(posts) > 0 && posts[len(posts)-1].Outcome == hooks.Succeeded
	return !ended && slices.ContainsFunc(h.calls(opStart), func(c call) bool { return c.Deadline })
}
