// Command containerd-shim-bookend-v2 is bookend's shim: only containerd
// starts it.
package main

import (
	"fmt"
	"os"

	"bookend.dev/bookend/shim"
)

func main() {
	if err := shim.Main(); err != nil {
		fmt.Fprintf(os.Stderr, "containerd-shim-bookend-v2: %v", err) // within a line of the daemon's
		os.Exit(1)
	}
}
