// Command critest runs critest, the conformance suite of the Container Runtime Interface
// (kubernetes-sigs/cri-tools), against a private containerd: once with the stock runc shim and once
// with bookend's. It prints what each run came to and every test whose outcome differs, and exits
// with 1 if there is one.
//
// critest pulls its images from public registries. Here they come from images of our own that a
// registry on the loopback interface serves under those names, so nothing leaves the machine. One
// test pulls an image by its digest, which only the original has: it fails with every shim.
//
// A run starts at main.go and goes site.go (containerd, registry) -> suite.go (critest) -> report.go
// (what it wrote) -> compare.go. The images: catalog.go, layer.go, store.go, registry.go, guest/.
package main
