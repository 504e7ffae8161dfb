// Command mutants breaks, one by one, the rows of what bookend promises of
// postStart and preStop, and tells whether the integration tests notice.
// `make mutants` runs it, as root.
//
// The rows are in postStart.txt and preStop.txt beside this file. A mutant is
// one small edit of one source file; the tests that should notice are named with
// it:
//
//	row 2: All is kept with the signal
//	file shim/service.go
//	test TestStopSignalKeepsItsTarget
//	-	_, err := s.inner().Kill(ctx, &taskAPI.KillRequest{ID: id, All: d.all})
//	+	_, err := s.inner().Kill(ctx, &taskAPI.KillRequest{ID: id})
//
// The lines of the edit begin as those of a diff do. What the lines with a blank
// or a minus say must be in the file exactly once. In place of `test`,
// `unit ./shim TestMachine: there is no criu` names a unit test of a package for
// a row that no test from outside can see, and says why none can.
//
// All named tests are run unchanged first, and must pass. Then each mutant's
// shim is built from a copy of the work tree and the edit beside it (go build
// -overlay), and its tests are run against that. A mutant is
// killed by a named test that fails, and by nothing else: an edit that does not
// apply, a build that fails, a test binary that panics or takes too long, and a
// mutant that survives each fail the run.
package main
