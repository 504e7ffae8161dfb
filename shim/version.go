package shim

// Version is bookend's own; the build sets it for a release.
var Version = "0.1.0-dev"
