// Command bookend-exec runs one exec hook in a running container through
// runc's libcontainer, or through the exec command of the container's own
// runtime where libcontainer cannot or must not, then exits. The shim starts it; package
// [bookend.dev/bookend/runtime/wire] says how the two speak.
//
// It is a process of its own because libcontainer waits for its children
// itself, which a shim that reaps with wait4(-1) would take from it.
//
// Build it with cgo and the tag seccomp, against libseccomp, for without it a
// container with a seccomp profile cannot be joined. Linked dynamically it
// needs the glibc and libseccomp of the machine that it was built on, or newer
// ones. Linked statically (tags netgo and osusergo too, -ldflags
// '-extldflags -static') it runs anywhere, is 1 MB larger and some 5 ms faster
// per hook, since the dynamic linker runs twice for each.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"bookend.dev/bookend/runtime/wire"
)

// version is bookend's, set when it is built.
var version = "0.1.0-dev"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("bookend-exec version " + version)
		return
	}
	status := json.NewEncoder(os.NewFile(wire.StatusFD, "status"))
	warmUp()
	var req wire.Request
	if err := json.NewDecoder(os.Stdin).Decode(&req); err != nil {
		fmt.Fprintf(os.Stderr, "bookend-exec: read request: %v (it is run by containerd-shim-bookend-v2 only)\n", err)
		os.Exit(1)
	}
	stdout, stderr := os.NewFile(wire.StdoutFD, "stdout"), os.NewFile(wire.StderrFD, "stderr")
	choice := choose(req)
	if req.Runtime != nil {
		send(status, wire.Status{Choice: &choice})
	}
	var last wire.Status
	switch {
	case choice.Runner == wire.OwnRuntime && req.Gated:
		last = wire.Status{Failure: &wire.Failure{Reason: wire.CannotStart, Message: errUngated.Error()}}
	case choice.Runner == wire.OwnRuntime:
		last = runThroughRuntime(req, stdout, stderr, func(s wire.Status) { send(status, s) })
	default:
		last = run(req, stdout, stderr, func(pid int) { send(status, wire.Status{Pid: pid}) })
	}
	send(status, last)
}

// errUngated: a runtime's own exec knows no gate, and the command would run
// before its time.
var errUngated = errors.New("the container's own runtime cannot hold a hook at a gate")

// send writes one line. That nobody reads it any more is no reason to stop: a
// hook in a container must still be waited for.
func send(to *json.Encoder, s wire.Status) {
	if err := to.Encode(s); err != nil {
		fmt.Fprintf(os.Stderr, "bookend-exec: write status: %v\n", err)
	}
}
