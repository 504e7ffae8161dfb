package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	apievents "github.com/containerd/containerd/api/events"

	"bookend.dev/bookend/integration/harness"
)

// eventRow is what the timeline tells of an event; ok is false for those of
// which it is silent. names are the containers' by id.
func eventRow(e harness.Event, names map[string]string) (r row, ok bool) {
	r = row{time: e.Time, container: names[e.ContainerID], source: fromEvent}
	if h, isHook := e.Hook(); isHook {
		r.container, r.what = names[h.ContainerID], h.String()
		return r, r.container != ""
	}
	if e.ExecID != "" || r.container == "" {
		return row{}, false
	}
	switch p := e.Payload.(type) {
	case *apievents.TaskCreate:
		r.what = "TaskCreate"
	case *apievents.TaskStart:
		r.what = fmt.Sprintf("TaskStart (pid %d)", p.GetPid())
	case *apievents.TaskExit:
		r.what = fmt.Sprintf("TaskExit (exit code %d)", p.GetExitStatus())
	default:
		return row{}, false
	}
	return r, true
}

// serverRows reads a container's log, in the CRI's format, of a server whose
// lines are "time what" themselves. Lines of another form are not the
// server's and left out.
func serverRows(container, log string) []row {
	var rows []row
	for line := range strings.Lines(log) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 5) // time, stream, tag, time, what
		if len(fields) < 5 {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, fields[3])
		if err != nil {
			continue
		}
		what := fields[4]
		if what == "start" {
			what = "entrypoint started"
		}
		rows = append(rows, row{at, container, fromServer, what})
	}
	return rows
}

var sentSignal = regexp.MustCompile(`time="([^"]+)" level=\w+ msg="Stop container \\"(\w+)\\" with signal (\w+)"`)

// killRows finds in containerd's log when its CRI plugin sent stop signals.
func killRows(log string, names map[string]string) []row {
	var rows []row
	for _, found := range sentSignal.FindAllStringSubmatch(log, -1) {
		at, err := time.Parse(time.RFC3339Nano, found[1])
		if name := names[found[2]]; err == nil && name != "" {
			rows = append(rows, row{at, name, fromContainerd, "CRI plugin sends the shim Kill, signal " + found[3]})
		}
	}
	return rows
}
