// Command testmatrix runs the tests that depend on containerd with several releases of
// it, one after the other: packages of integration tests, critest (integration/critest)
// and a pod through the CRI (integration/demo). `make test-matrix` builds the releases
// and runs it, as root.
//
// Each argument is a directory of tools with one release's containerd. The command
// prints a table of releases by tests run, passed, failed and skipped, and the reason of
// each failure and each skip. It exits with 1 if a test failed that docs/versions.md
// does not name in its table of known failures, and says which of that table's rows did
// not come true.
//
// A run goes main.go -> suite.go -> gotest.go or outcome.Read -> report.go, which
// known.go tells what is known.
package main
