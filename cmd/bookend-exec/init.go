package main

import (
	"os"

	"github.com/opencontainers/runc/libcontainer"
	// nsexec, the C part that joins the container's namespaces before the Go
	// runtime has threads.
	_ "github.com/opencontainers/runc/libcontainer/nsenter"
)

// libcontainer runs this binary again, as "init", to become the hook; it never
// reaches main.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		libcontainer.Init()
	}
}
