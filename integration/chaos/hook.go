package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// hook is a postStart or preStop of a plan.
type hook struct {
	point   string // "post" or "pre", as in the trace
	body    string // what it does: a key of bodies, or of webBodies
	timeout int    // seconds; 0: none
	retries int
	ignore  bool // failurePolicy, postStart
	takes   time.Duration
}

// bodies are what exec hooks do between their two notes; "sleep" is the sleep
// handler and "absent" a command that does not exist.
var bodies = map[string]string{
	"ok":     `:`,
	"slow":   `sleep 0.7`,
	"fail":   `sleep 0.2; exit 3`,
	"hang":   `sleep 1000`,
	"flaky":  `[ -e /fifo/$point.tried ] || { : >/fifo/$point.tried; exit 4; }`,
	"daemon": `sleep 1000 >/dev/null 2>&1 &`,
	"quit":   `kill -12 1; sleep 1000`,
	"sleep":  "",
	"absent": "",
}

// webBodies are paths that the container's own server answers. Only pods have
// a network.
var webBodies = map[string]string{"web": "/index.html", "webslow": "/cgi-bin/slow", "webhang": "/cgi-bin/hang", "webgone": ""}

const (
	goodPort = 8080
	badPort  = 9 // no one listens there
)

// newHook draws a hook; one that hangs has a timeout.
func newHook(rng *rand.Rand, point string, pod bool) *hook {
	names := []string{"ok", "ok", "slow", "slow", "fail", "hang", "flaky", "daemon", "quit", "sleep", "sleep", "absent"}
	if pod {
		names = append(names, "web", "webslow", "webhang", "webgone")
	}
	return makeHook(rng, point, names[rng.IntN(len(names))])
}

func makeHook(rng *rand.Rand, point, body string) *hook {
	h := &hook{point: point, body: body}
	switch body {
	case "hang", "webhang", "quit":
		h.timeout = 1 + rng.IntN(2)
	case "flaky":
		h.retries = 1 + rng.IntN(2)
	case "web", "webslow":
		h.retries = 2 // the server may not listen yet
	default:
		h.timeout = 5 * rng.IntN(2)
	}
	h.ignore = point == "post" && rng.IntN(2) == 0
	h.takes = time.Duration(max(h.timeout, 1+h.retries)) * time.Second
	return h
}

// lifecycle is the hook as an annotation has it; mark is found in the command
// lines of its processes.
func (h *hook) lifecycle(mark string) map[string]any {
	m := map[string]any{}
	path, web := webBodies[h.body]
	switch {
	case web:
		port := goodPort
		if path == "" {
			port = badPort
		}
		m["httpGet"] = map[string]any{"port": port, "path": path}
	case h.body == "sleep":
		m["sleep"] = map[string]any{"seconds": 1}
	case h.body == "absent":
		m["exec"] = map[string]any{"command": []string{"/no/such/command"}}
	default:
		script := fmt.Sprintf("# %s\n%s\npoint=%s\nnote $point begin\n%s\nnote $point end", mark, noteFunction, h.point, bodies[h.body])
		m["exec"] = map[string]any{"command": []string{"sh", "-c", script}}
	}
	if h.timeout > 0 {
		m["timeoutSeconds"] = h.timeout
	}
	if h.retries > 0 {
		m["retries"] = h.retries
	}
	if h.ignore {
		m["failurePolicy"] = "Ignore"
	}
	return m
}

// noteFunction is for scripts that write into the trace.
const noteFunction = `note() { read -r up _ </proc/uptime; echo "$up $*" >>/fifo/trace; }`
