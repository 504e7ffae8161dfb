package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// epoch is when forged histories begin.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at is a moment of a forged history, in milliseconds.
func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func forgedCall(op operation, signal, began, ended int) call {
	c := call{Op: op, Signal: signal, Began: at(began)}
	if ended > 0 {
		c.Ended = at(ended)
	}
	return c
}

func forgedRecord(point hooks.Point, from, to int, outcome hooks.Outcome) record.Record {
	return record.Record{
		Hook: point, Attempt: 1, Started: at(from),
		End: record.End{Outcome: outcome, DurationSeconds: float64(to-from) / 1000},
	}
}

// forged is a history without fault: postStart, a stop signal, preStop, the
// signal; the init notes it and lives.
func forged() *history {
	return &history{
		Plan: &plan{Post: &hook{point: "post"}, Pre: &hook{point: "pre"}, Stop: syscall.SIGTERM},
		Calls: []call{
			forgedCall(opStart, 0, 0, 500),
			forgedCall(opKill, 15, 1000, 1001),
		},
		Marks: []mark{
			{at(100), "up"}, {at(110), "post begin"}, {at(480), "post end"},
			{at(1010), "pre begin"}, {at(1490), "pre end"}, {at(1510), "sig 15"},
		},
		Records: []record.Record{
			forgedRecord(hooks.PostStart, 100, 490, hooks.Succeeded),
			forgedRecord(hooks.PreStop, 1003, 1500, hooks.Succeeded),
		},
		Runtime: []runtimeCall{{At: at(90), Verb: "start", Mode: "pass"}, {At: at(1505), Verb: "kill", Signal: 15, Mode: "pass"}},
		Ended:   at(2000), Survived: true,
	}
}

func TestAHistoryWithoutFaultBreaksNothing(t *testing.T) {
	for name, edit := range map[string]func(*history){
		"plain": func(*history) {},
		"another stop that was absorbed": func(h *history) {
			h.Calls = append(h.Calls, forgedCall(opKill, 2, 1200, 1201))
		},
		"another stop that passed": func(h *history) {
			h.Calls = append(h.Calls, forgedCall(opKill, 2, 1700, 1701))
			h.Marks = append(h.Marks, mark{at(1710), "sig 2"})
		},
		"a runtime that was killed, and nobody knew": func(h *history) {
			h.Runtime[1].Mode = "hangafter"
			h.Marks = append(h.Marks, mark{at(1900), "sig 15"})
		},
		"a SIGKILL during preStop": func(h *history) {
			h.Calls = append(h.Calls, forgedCall(opKill, 9, 1200, 1201))
			h.Marks = h.Marks[:4]
			h.Records[1] = forgedRecord(hooks.PreStop, 1003, 1210, hooks.Cancelled)
			h.Survived = false
		},
		"a shim that died during preStop": func(h *history) {
			h.Calls = append(h.Calls, forgedCall(opKillShim, 0, 1200, 1201))
			h.Marks = h.Marks[:4]
			h.Records[1] = forgedRecord(hooks.PreStop, 1003, 1003, hooks.Unknown)
			h.Survived = false
		},
		"a postStart that failed": func(h *history) {
			h.Calls = h.Calls[:1]
			h.Calls[0].Err, h.Calls[0].Aborted, h.Calls[0].Ended = "FailedPostStartHook", true, at(1600)
			h.Records[0] = forgedRecord(hooks.PostStart, 100, 490, hooks.Failed)
			h.Survived = false
		},
		"a postStart that failed once and is retried": func(h *history) {
			h.Plan.Post.retries = 1
			h.Records = slices.Insert(h.Records, 0, forgedRecord(hooks.PostStart, 80, 90, hooks.Failed))
			h.Records[1].Attempt = 2
		},
		"a deadline that says the kill is pending": func(h *history) {
			h.Calls[0].Err, h.Calls[0].Deadline, h.Calls[0].Alive = "the container still runs, its kill is pending", true, true
			h.Records[0].Outcome, h.Survived = hooks.Cancelled, false
		},
		"a stop that took long, and was told of": func(h *history) {
			h.Broken, h.Ended, h.Undelivered = span{at(1000), at(13_000)}, at(15_000), []time.Time{at(11_500)}
			h.Marks[5].At, h.Runtime[1].At = at(13_100), at(13_100)
			h.Stops = []stopRecord{{Kind: "stop", Delivery: "delivered"}}
		},
		"an init without a trap yet": func(h *history) {
			h.Calls[1] = forgedCall(opKill, 15, 50, 51)
			h.Records[1] = forgedRecord(hooks.PreStop, 52, 70, hooks.Succeeded)
			h.Marks, h.Runtime[1].At = h.Marks[:3], at(80)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := forged()
			edit(h)
			if found := check(h); len(found) > 0 {
				t.Errorf("%+v\n%s", found, h.tellForged())
			}
		})
	}
}

func (h *history) tellForged() string {
	h.Plan.Topic.name = "forged"
	return h.tell(nil)
}

// forgeries each break one rule.
var forgeries = []struct {
	name, rule string
	edit       func(*history)
}{
	{"no outcome", "every attempt has a record with an outcome", func(h *history) { h.Records[1].Outcome = "" }},
	{"Unknown, and the shim lived", "every attempt has a record with an outcome", func(h *history) { h.Records[1].Outcome = hooks.Unknown }},
	{"a hook without a record", "every attempt has a record with an outcome", func(h *history) {
		h.Marks = append(h.Marks, mark{at(700), "post begin"})
	}},
	{"postStart twice", "postStart runs once, preStop once for each stop", func(h *history) {
		h.Records = append(h.Records, forgedRecord(hooks.PostStart, 600, 610, hooks.Succeeded))
	}},
	{"preStop twice for one stop", "postStart runs once, preStop once for each stop", func(h *history) {
		h.Records[1] = forgedRecord(hooks.PreStop, 1003, 1100, hooks.Failed)
		h.Records = append(h.Records, forgedRecord(hooks.PreStop, 1110, 1500, hooks.Succeeded))
	}},
	{"during preStop", "no stop signal comes while a hook runs", func(h *history) { h.Marks[5].At = at(1200) }},
	{"during postStart", "no stop signal comes while a hook runs", func(h *history) {
		h.Marks = append(h.Marks, mark{at(300), "sig 15"})
	}},
	{"no preStop", "no stop signal comes without preStop before it", func(h *history) { h.Records, h.Marks = h.Records[:1], append(h.Marks[:3], h.Marks[5]) }},
	{"before preStop", "no stop signal comes without preStop before it", func(h *history) { h.Marks[5].At = at(900) }},
	{"never delivered", "a stop that was accepted is not lost", func(h *history) { h.Marks = h.Marks[:5] }},
	{"the second never delivered", "a stop that was accepted is not lost", func(h *history) {
		h.Calls = append(h.Calls, forgedCall(opKill, 15, 1700, 1701))
	}},
	{"twice", "a stop signal comes once", func(h *history) { h.Marks = append(h.Marks, mark{at(1600), "sig 15"}) }},
	{"twice, of two that were absorbed", "a stop signal comes once", func(h *history) {
		h.Calls = append(h.Calls, forgedCall(opKill, 2, 1200, 1201))
		h.Marks = append(h.Marks, mark{at(1600), "sig 2"})
	}},
	{"for long", "what is undelivered is told", func(h *history) {
		h.Broken, h.Ended = span{at(1000), at(13_000)}, at(15_000)
		h.Marks[5].At, h.Runtime[1].At = at(13_100), at(13_100)
	}},
	{"for long, and in an event alone", "what is undelivered is told", func(h *history) {
		h.Broken, h.Ended, h.Undelivered = span{at(1000), at(13_000)}, at(15_000), []time.Time{at(11_500)}
		h.Marks[5].At, h.Runtime[1].At = at(13_100), at(13_100)
	}},
	{"a record without an end", "what is undelivered is told", func(h *history) { h.Stops = []stopRecord{{Kind: "stop"}} }},
	{"no reply", "Start replies", func(h *history) { h.Calls[0].Ended = time.Time{} }},
	{"a reply that the end of the round brought", "Start replies", func(h *history) { h.Calls[0].Ended = at(2100) }},
	{"Aborted, and the init lives", "Start tells the truth", func(h *history) {
		h.Calls[0].Err, h.Calls[0].Aborted, h.Calls[0].Alive = "stopped while starting", true, true
	}},
	{"killed, and the init lives", "Start tells the truth", func(h *history) {
		h.Calls[0].Err, h.Calls[0].Alive = "the container was killed", true
	}},
	{"no postStart", "Start succeeds after postStart", func(h *history) { h.Records, h.Marks = h.Records[1:], slices.Delete(h.Marks, 1, 3) }},
	{"a cancelled postStart", "Start succeeds after postStart", func(h *history) { h.Records[0].Outcome = hooks.Cancelled }},
	{"two", "one Start succeeds", func(h *history) { h.Calls = append(h.Calls, forgedCall(opStart, 0, 0, 500)) }},
	{"a failed postStart", "what bookend ends has ended", func(h *history) {
		h.Calls[0].Err = "FailedPostStartHook"
		h.Records[0].Outcome = hooks.Failed
	}},
	{"a deadline", "what bookend ends has ended", func(h *history) {
		h.Calls[0].Err, h.Calls[0].Deadline = "deadline", true
		h.Records[0].Outcome = hooks.Cancelled
	}},
	{"a dead sandbox", "what bookend ends has ended", func(h *history) {
		h.Calls = slices.Insert(h.Calls, 0, forgedCall(opKillSandbox, 0, -100, -90))
		h.Calls[0].Ended = at(-90)
	}},
	{"a dead shim", "what bookend ends has ended", func(h *history) {
		h.Calls = append(h.Calls, forgedCall(opKillShim, 0, 1600, 1601))
	}},
	{"a removal that failed", "what comes after works", func(h *history) { h.Faults = []string{"remove: no"} }},
}

func TestEachRuleIsBrokenByItsForgeries(t *testing.T) {
	tried := map[string]bool{}
	for _, f := range forgeries {
		t.Run(f.rule+"/"+f.name, func(t *testing.T) {
			tried[f.rule] = true
			h := forged()
			f.edit(h)
			found := check(h)
			if !slices.ContainsFunc(found, func(v violation) bool { return v.Rule == f.rule }) {
				t.Errorf("found %+v\n%s", found, h.tellForged())
			}
			if text := h.tell(found); !strings.Contains(text, "BROKEN: "+f.rule) {
				t.Errorf("the round is told as\n%s", text)
			}
		})
	}
	for _, r := range rules {
		if !tried[r.name] {
			t.Errorf("no forgery breaks the rule that %s", r.name)
		}
	}
}
