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
		fmt.Fprintln(os.Stderr, "containerd-shim-bookend-v2:", err)
		os.Exit(1)
	}
}
