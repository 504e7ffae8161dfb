// Command containerd-shim-bookend-v2 is bookend's shim: containerd starts it,
// nobody else does.
package main

import "bookend.dev/bookend/shim"

func main() { shim.Main() }
