package main

import "errors"

// errNoProcess says that what was to be found in /proc is not there.
var errNoProcess = errors.New("no such process")
