// Package joiner starts the joiner: a small static program that runs one exec hook
// in a container. It is written in C: src/main.c is the file to begin with. The shim
// makes a [Plan]; the joiner carries it out and tells what happens as [News].
//
// `make joiner` builds the program, and it is embedded. [Open] keeps it as a sealed
// file in memory, which no container can write to. If it was not built, Open fails
// with [ErrNotBuilt].
//
// The package is a leaf: it knows system calls and nothing of containers.
package joiner
