//go:build !cgo || !seccomp

package main

import (
	"errors"

	"github.com/opencontainers/runc/libcontainer/configs"

	"bookend.dev/bookend/runtime/wire"
)

func catchProgram(*configs.Seccomp) (wire.SeccompProgram, error) {
	return wire.SeccompProgram{}, errors.New("bookend-exec is built without seccomp")
}

func resolves(string) bool { return false }
