package main

import "errors"

// errUsage says that the command line cannot be carried out.
var errUsage = errors.New("wrong usage")
