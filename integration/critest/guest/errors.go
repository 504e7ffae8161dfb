package main

import "errors"

// errNoProcess is pgrep's answer when nothing matches.
var errNoProcess = errors.New("no process matched")
