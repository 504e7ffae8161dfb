// Package integration looks at bookend from outside: its tests run containers
// with hooks under a private containerd, by the CRI and by the Task API. They
// import neither the shim nor the runtime package.
//
// What the tests are made of is in package harness. The packages beside it are
// programs and tests of their own: benchmarks, chaos, conformance, mutants, a
// comparison with the runtimes' own exec, a virtual machine and the demo.
package integration
