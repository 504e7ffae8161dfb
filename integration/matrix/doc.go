// Package matrix holds exec hooks to their measure: what a program can ask about
// itself reads the same in a hook as under the exec of the container's own
// runtime.
//
// Its test makes containers from bundles, without containerd: one of each
// configuration of the matrix with each runtime of the machine. In each it runs
// the probe, a static C program, once each way, and compares line by line.
// Differences that are meant are a list of their own (meant_test.go).
package matrix
