// Command bookend-exec does for exec hooks what needs cgo or another program.
// The shim starts it.
//
//   - Without arguments it runs one hook through the exec command of the
//     container's own runtime, for containers that the joiner must not enter, then
//     exits; package [bookend.dev/bookend/runtime/wire] says how the two speak. It
//     is a process of its own because it waits for children that a shim, which
//     reaps with wait4(-1), would take from it.
//   - `compile` compiles a seccomp profile with runc's own library.
//
// Build it with cgo and the tag seccomp, against libseccomp. Linked statically
// (tags netgo and osusergo too, -ldflags '-extldflags -static') it runs anywhere.
//
// # Concurrency
//
// The main goroutine does all but two jobs, and waits for each of the two. Another
// goroutine does such a job on a thread that it locks and never unlocks, so that
// the thread ends with the job. One job is the runtime's exec: the thread may have a
// mount namespace of its own, and its end kills the runtime. The other job loads a
// seccomp program: the filter that catches it stays with the thread. While the
// runtime is called, the main goroutine keeps the main thread, which would not end
// with a job.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/wire"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		printVersion(os.Stdout)
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "compile" {
		if err := compile(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "bookend-exec: %v\n", err)
			os.Exit(1)
		}
		return
	}
	// Not every runtime closes what it inherits: a hook with the status pipe could
	// tell of its own end.
	for _, fd := range []int{wire.StatusFD, wire.StdoutFD, wire.StderrFD, wire.NullFD} {
		unix.CloseOnExec(fd)
	}
	status := json.NewEncoder(os.NewFile(wire.StatusFD, "status"))
	var req wire.Request
	if err := json.NewDecoder(os.Stdin).Decode(&req); err != nil {
		fmt.Fprintf(os.Stderr, "bookend-exec: read request: %v (it is run by containerd-shim-bookend-v2 only)\n", err)
		os.Exit(1)
	}
	stdout, stderr := os.NewFile(wire.StdoutFD, "stdout"), os.NewFile(wire.StderrFD, "stderr")
	send(status, runThroughRuntime(req, stdout, stderr, func(s wire.Status) { send(status, s) }))
}

// send writes one line. It goes on if no one reads it any more: this process must
// still wait for the hook.
func send(to *json.Encoder, s wire.Status) {
	if err := to.Encode(s); err != nil {
		fmt.Fprintf(os.Stderr, "bookend-exec: write status: %v\n", err)
	}
}
