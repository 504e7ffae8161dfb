package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/opencontainers/runc/libcontainer/seccomp"
)

// version is bookend's, set when it is built.
var version = "0.1.0-dev"

// printVersion names what compiles seccomp profiles besides, as runc does.
func printVersion(to io.Writer) {
	fmt.Fprintf(to, "bookend-exec version %s\n", version)
	fmt.Fprintf(to, "runc: %s\n", runcVersion())
	fmt.Fprintf(to, "libseccomp: %s\n", libseccompVersion())
}

// libseccompVersion is that of libseccomp; "none" without.
func libseccompVersion() string {
	if !seccomp.Enabled {
		return "none"
	}
	major, minor, micro := seccomp.Version()
	return fmt.Sprintf("%d.%d.%d", major, minor, micro)
}

// runcVersion is that of the runc module in this binary.
func runcVersion() string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/opencontainers/runc" {
				return strings.TrimPrefix(dep.Version, "v")
			}
		}
	}
	return "unknown"
}
