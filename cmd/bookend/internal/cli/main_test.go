package cli

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// Golden files have the times of one zone. It is set before there is anybody to
// read it.
func TestMain(m *testing.M) {
	if socket := os.Getenv(asDaemon); socket != "" {
		if err := serveVersion(socket); err != nil {
			panic(err)
		}
		return
	}
	time.Local = time.UTC
	// The goroutine that receives signals is started by the first who asks for
	// one, and never ends: it must not be one of a synctest bubble's.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGUSR1)
	m.Run()
}
