// Package docker tests bookend under Docker Engine: its dockerd, built from its
// module and run on the private containerd of package harness, does through its
// API what users ask of it, and docker, its command line, runs the commands that
// README.md and docs/clients.md show.
//
// It is a module of its own, so that Docker's client is no dependency of bookend.
//
// # Concurrency
//
// An Engine belongs to one test at a time.
package docker
