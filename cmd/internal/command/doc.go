// Package command is what the command lines of bookend share: flags that take one of
// a few words or a moment, and how tables and JSON are printed. Errors are mistakes
// of usage; a command line has an exit code of its own for these.
package command
