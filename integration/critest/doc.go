// Command critest runs critest, the conformance suite of the Container Runtime Interface
// (kubernetes-sigs/cri-tools), against a private containerd: all of it with bookend's shim, then the
// tests that bookend doesn't pass with the stock runc shim. A test that the stock shim does better is
// repeated with both, since a test may fail by chance. The command prints the counts of every run and
// these tests, and exits with 1 if one fails, or is skipped, with bookend alone. It leaves out two tests
// of NRI, whose outcome is a race within containerd.
//
// critest pulls its images from public registries. Here they come from images of our own that a
// registry on the loopback interface serves under those names, so nothing leaves the machine. One
// test pulls an image by its digest, which only the original has: it fails with every shim.
//
// A run starts at main.go and goes judge.go (which tests, with which shim) -> site.go (containerd,
// registry) -> suite.go (critest) -> report.go (what it wrote); summary.go prints the verdict, outcomes.go
// writes it for programs. The
// images: catalog.go, layer.go, store.go, registry.go, guest/.
package main
