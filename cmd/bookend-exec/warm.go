package main

import (
	"encoding/json"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/runtime/wire"
)

// warmUp does what does not need the request yet, which may come late:
// encoding/json looks at a type once in a process, and a container's state is a
// large one, a millisecond's.
func warmUp() {
	_, _ = json.Marshal(wire.Request{})
	_, _ = json.Marshal(libcontainer.State{})
	_, _ = json.Marshal(specs.Process{})
}
