package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

const (
	masterTitle = "nginx: master process"
	masterPID   = "/var/run/nginx.pid"
)

// serveAsMaster serves under the process title that nginx gives its first process. A title is the
// first argument of an exec, so the program replaces itself once; the path stays, for the kernel
// takes the name that pidof looks for from it.
func serveAsMaster(title string) error {
	if strings.HasPrefix(title, masterTitle) {
		return serve("nginx", 80, masterPID)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, []string{masterTitle + " " + self}, os.Environ())
}

// serve answers every request on port with 200. Once it listens it writes its process id into
// pidFile, if one is given.
func serve(name string, port int, pidFile string) error {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	if pidFile != "" {
		if err := os.WriteFile(pidFile, fmt.Appendln(nil, os.Getpid()), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%s: serving on %s\n", name, listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "It works.\n")
	}))
}
