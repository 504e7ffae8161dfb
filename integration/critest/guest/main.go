// Command guest is what runs inside the images critest pulls: a web server, and the few tools that
// Debian's busybox lacks. It plays the part named by the base name it is started under.
package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
)

func main() {
	err := play(os.Args)
	switch {
	case err == nil:
		return
	case !errors.Is(err, errNoProcess): // which pgrep tells by its exit code alone
		fmt.Fprintf(os.Stderr, "%s: %v\n", path.Base(os.Args[0]), err)
	}
	os.Exit(1)
}

// play runs the part that args[0] names until it is over.
func play(args []string) error {
	// What follows a colon is decoration, as in "nginx: master process".
	name, _, _ := strings.Cut(args[0], ":")
	switch role := path.Base(name); role {
	case "nginx":
		return serveAsMaster(args[0])
	case "httpd":
		return serve(role, 80, "")
	case "hostnet-nginx":
		return serve(role, 12003, "")
	case "nonewprivs":
		_, err := fmt.Printf("Effective uid: %d\n", os.Geteuid())
		return err
	case "pgrep":
		return pgrep("/proc", args[1:], os.Stdout)
	case "ipcs":
		return ipcs("/proc/sysvipc/shm", os.Stdout)
	default:
		return fmt.Errorf("no part of this name")
	}
}
