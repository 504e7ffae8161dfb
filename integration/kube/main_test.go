package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// machine is the cluster that tests share, and what the machine was like before.
var machine struct {
	once    sync.Once
	before  map[string]string
	cluster *Cluster
	err     error // of the start; not tried again

	bookend    sync.Once // its own programs
	bookendErr error
}

func TestMain(m *testing.M) {
	if err := Isolate(); err != nil {
		fmt.Fprintln(os.Stderr, "isolate the tests:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := stopMachine(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "stop the shared cluster:", err)
		code = 1
	}
	os.Exit(code)
}

func startMachine(ctx context.Context) {
	if machine.before, machine.err = machineState(); machine.err != nil {
		return
	}
	machine.cluster, machine.err = Start(ctx, Options{})
}

// stopMachine fails where the cluster, or any pod of it, left something.
func stopMachine(ctx context.Context) error {
	if machine.cluster == nil {
		return nil
	}
	err := machine.cluster.Stop(ctx)
	for _, dir := range []string{"/var/lib/etcd", "/var/lib/kubelet", machine.cluster.Daemon.Dir} {
		if _, gone := os.Stat(dir); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("%s: %w", dir, ErrLeak))
		}
	}
	return err
}

func sharedCluster(t *testing.T) *Cluster {
	t.Helper()
	machine.once.Do(func() { startMachine(context.Background()) })
	if machine.err != nil {
		t.Fatalf("start the shared cluster: %v", machine.err)
	}
	return machine.cluster
}

// hookedCluster is the shared cluster with the webhook and the agent.
func hookedCluster(t *testing.T) *Cluster {
	t.Helper()
	c := sharedCluster(t)
	machine.bookend.Do(func() { machine.bookendErr = c.StartBookend(context.Background()) })
	if machine.bookendErr != nil {
		t.Fatalf("start bookend in the shared cluster: %v", machine.bookendErr)
	}
	return c
}
