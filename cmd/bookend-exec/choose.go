package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"

	"bookend.dev/bookend/runtime/wire"
)

// choose chooses how req's container is entered.
func choose(req wire.Request) wire.Choice {
	switch {
	case req.Runtime == nil:
		return wire.Choice{Runner: wire.Libcontainer, Reason: "no other way is known"}
	case req.Runtime.Runner != "":
		return wire.Choice{Runner: req.Runtime.Runner, Reason: "chosen before"}
	}
	if err := trust(filepath.Join(req.Root, req.ID)); err != nil {
		return wire.Choice{Runner: wire.OwnRuntime, Reason: err.Error()}
	}
	return wire.Choice{Runner: wire.Libcontainer, Reason: "libcontainer knows all that state.json says"}
}

var errNoState = errors.New("there is no state.json: the runtime is not runc")

// trust tells why libcontainer must not join the container whose state is in
// dir, nil if it may. state.json carries no version; but a runc newer than our
// libcontainer can confine a container only by what it writes down there, and
// a field that we would drop may be just that. A container that does not exist
// any more is libcontainer's to report.
func trust(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err == nil {
			return errNoState
		}
		return nil
	}
	if err != nil {
		return err
	}
	var state libcontainer.State
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&state); err != nil {
		return fmt.Errorf("state.json is not as libcontainer writes it: %w", err)
	}
	return knownNamespaces(state)
}

// knownNamespaces looks into the one list of state.json that names what a
// process must join by values instead of fields.
func knownNamespaces(state libcontainer.State) error {
	known := configs.NamespaceTypes()
	for t := range state.NamespacePaths {
		if !slices.Contains(known, t) {
			return fmt.Errorf("state.json names a namespace %q that libcontainer does not know", t)
		}
	}
	for _, ns := range state.Config.Namespaces {
		if !slices.Contains(known, ns.Type) {
			return fmt.Errorf("state.json names a namespace %q that libcontainer does not know", ns.Type)
		}
	}
	return nil
}
