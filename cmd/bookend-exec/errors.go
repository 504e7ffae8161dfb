package main

import "errors"

// errEmptyCommand is that of a hook whose command names no program.
var errEmptyCommand = errors.New(`exec: "": no such file or directory`)

// Why a seccomp profile is not compiled.
var (
	errNoProfile    = errors.New("there is none")
	errNoFilter     = errors.New("linux.seccomp: it has neither a default action nor rules")
	errListenerPath = errors.New("it has a listener")
	errNotify       = errors.New("it has the action SCMP_ACT_NOTIFY")
	errFlags        = errors.New("the seccomp program is loaded with flags that are not known")
)
