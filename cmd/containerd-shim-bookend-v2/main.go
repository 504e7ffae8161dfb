// Command containerd-shim-bookend-v2 is bookend's shim: only containerd
// starts it.
package main

import "bookend.dev/bookend/shim"

func main() { shim.Main() }
