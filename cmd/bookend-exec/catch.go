//go:build cgo && seccomp

package main

/*
#include "catch.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/seccomp"

	"bookend.dev/bookend/runtime/wire"
)

// catchProgram has libcontainer load the program of a profile, and catches it:
// what libcontainer writes at the end, rather than what might come to the same.
// It may be called once in a process.
func catchProgram(profile *configs.Seccomp) (wire.SeccompProgram, error) {
	type result struct {
		program wire.SeccompProgram
		err     error
	}
	done := make(chan result)
	go func() {
		// Never unlocked: the thread is not fit for anything else, and ends here.
		runtime.LockOSThread()
		program, err := catchHere(profile)
		done <- result{program, err}
	}()
	r := <-done
	return r.program, r.err
}

func catchHere(profile *configs.Seccomp) (wire.SeccompProgram, error) {
	if errno := C.bookend_catch(); errno != 0 {
		return wire.SeccompProgram{}, fmt.Errorf("listen to seccomp: %w", syscall.Errno(errno))
	}
	if _, err := seccomp.InitSeccomp(profile); err != nil {
		return wire.SeccompProgram{}, err
	}
	caught := &C.bookend_caught
	if caught.loads == 0 {
		return wire.SeccompProgram{}, errors.New("libcontainer has loaded no seccomp program")
	}
	size := C.size_t(caught.length) * C.sizeof_struct_sock_filter
	return wire.SeccompProgram{
		Flags:   uint32(caught.flags),
		Prctl:   caught.prctl != 0,
		Program: C.GoBytes(unsafe.Pointer(&caught.program), C.int(size)),
	}, nil
}
