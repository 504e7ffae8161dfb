// Command testserver is the web server of the test containers. It serves files
// and tells what requests it got, and when it was started, signalled and ended.
//
// Environment:
//
//	ROOT         directory to serve (default /www)
//	HTTP, HTTPS  addresses to listen on (default :80, :443; "-": none)
//	TIMELINE     file or FIFO that gets a line per event: RFC 3339 time, event
//
// Paths of its own, everything else being a file of ROOT:
//
//	/requests        the requests so far but those for this path, as JSON lines
//	/status/<n>      answers with status n
//	/redirect?to=<u> answers 302 with that Location
//	/hang            answers when the client has gone
//	/shutdown        answers, then ends the process
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	timeline, err := openTimeline(os.Getenv("TIMELINE"))
	if err != nil {
		log.Fatal(err)
	}
	timeline.add("start")
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	shutdown := make(chan struct{}, 1)
	server := &http.Server{Handler: newHandler(envOr("ROOT", "/www"), timeline, shutdown)}
	failed := make(chan error, 2)
	if err := listen(server, failed); err != nil {
		log.Fatal(err)
	}
	timeline.add("listening")
	select {
	case s := <-signals:
		timeline.add("signal " + s.String())
	case <-shutdown:
		timeline.add("shutdown")
	case err := <-failed:
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = server.Shutdown(ctx) // lets the reply to /shutdown out
	timeline.add("exit")
}

// listen serves on the addresses that the environment names; what ends that
// goes to failed.
func listen(server *http.Server, failed chan<- error) error {
	if addr := envOr("HTTP", ":80"); addr != "-" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		go func() { failed <- ignoreClosed(server.Serve(l)) }()
	}
	if addr := envOr("HTTPS", ":443"); addr != "-" {
		certificate, err := selfSigned()
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		server.TLSConfig = certificate
		go func() { failed <- ignoreClosed(server.ServeTLS(l, "", "")) }()
	}
	return nil
}

// ignoreClosed blocks for good where a listener ended because of Shutdown:
// main goes its own way then.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		select {}
	}
	return err
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
