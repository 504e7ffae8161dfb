// Package packages tests what `make packages` writes, as an operator meets it: a
// deb and an rpm on a Debian node that has never seen bookend.
//
// A [Node] is a root file system of its own, made by root.sh, in mount and pid
// namespaces of its own. Its changes go to memory, and with its first process all
// that it has is gone, but for the cgroups of its pods: [Node.Close] removes those.
package packages
