package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bookend.dev/bookend/integration/harness"
)

// failure is what the CRI tells of a container that failed to start.
type failure struct {
	start  error // of StartContainer
	status *runtimeapi.ContainerStatus
}

// startFailing starts a container whose start is expected to fail.
func startFailing(ctx context.Context, c *harness.Container) (f failure, err error) {
	f.start = c.Start(ctx)
	if f.start == nil {
		f.status, err = c.Status(ctx)
		return f, err
	}
	f.status, err = c.WaitState(ctx, runtimeapi.ContainerState_CONTAINER_EXITED)
	return f, err
}

// check tells whether the CRI reports what the kubelet needs for its event.
func (f failure) check() error {
	const reason = "FailedPostStartHook: exec: exit status 7"
	switch {
	case f.start == nil:
		return errors.New("StartContainer succeeded")
	case !strings.Contains(f.start.Error(), reason):
		return fmt.Errorf("StartContainer's error lacks %q: %w", reason, f.start)
	case f.status.GetReason() != "StartError":
		return fmt.Errorf("reason is %q", f.status.GetReason())
	case !strings.Contains(f.status.GetMessage(), reason):
		return fmt.Errorf("message lacks %q: %q", reason, f.status.GetMessage())
	}
	return nil
}

// String is empty where the container was never there.
func (f failure) String() string {
	if f.status == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The CRI on %s, whose postStart fails:\n", f.status.GetMetadata().GetName())
	for _, l := range [][2]string{
		{"error", fmt.Sprint(f.start)},
		{"state", f.status.GetState().String()},
		{"reason", f.status.GetReason()},
		{"exit code", fmt.Sprint(f.status.GetExitCode())},
		{"message", f.status.GetMessage()},
	} {
		fmt.Fprintf(&b, "  %-9s  %s\n", l[0], l[1])
	}
	return b.String()
}
