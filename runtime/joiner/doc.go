// Package joiner starts the joiner: a small static program that runs one exec
// hook in a container (C, in src). The shim works out a [Plan]; the joiner
// carries it out and tells what becomes of the hook as [News].
//
// The program is embedded and kept as one sealed file in memory, which no
// container can write to: [Open]. It is built from src by `make joiner`. Where it
// was not built, Open fails with [ErrNotBuilt].
//
// The package is a leaf: it knows system calls and nothing of containers.
package joiner
