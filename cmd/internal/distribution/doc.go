// Package distribution knows where the distributions of Kubernetes, and others
// that bring a containerd of their own, keep its configuration, and how that is
// changed there.
//
// All of it is one table, [Presets]. A distribution is recognised by files on the
// node, and by nothing that runs. Nothing here is chosen in silence: [Detect]
// returns all that it finds, with the file that told.
package distribution
