package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// recordedCalls notes when the calls that start and stop are made and answered;
// all others are those of the client it wraps.
type recordedCalls struct {
	runtimeapi.RuntimeServiceClient

	timeline *timeline
	names    map[string]string // by id, of the containers so far
}

// around records a call and its answer.
func (c *recordedCalls) around(container, call string, do func() error) error {
	began := time.Now()
	c.timeline.add(row{began, container, fromCRI, call})
	err := do()
	took := time.Since(began).Round(time.Millisecond)
	answer := fmt.Sprintf("replied: success after %s", took)
	if err != nil {
		answer = fmt.Sprintf("replied: %s after %s", status.Code(err), took)
	}
	c.timeline.add(row{time.Now(), container, fromCRI, call + " " + answer})
	return err
}

func (c *recordedCalls) RunPodSandbox(ctx context.Context, r *runtimeapi.RunPodSandboxRequest, opts ...grpc.CallOption) (reply *runtimeapi.RunPodSandboxResponse, err error) {
	name := r.GetConfig().GetMetadata().GetName()
	err = c.around(name, "RunPodSandbox", func() error {
		reply, err = c.RuntimeServiceClient.RunPodSandbox(ctx, r, opts...)
		return err
	})
	return reply, err
}

// CreateContainer is not recorded itself: it tells whose the ids of the other
// calls are.
func (c *recordedCalls) CreateContainer(ctx context.Context, r *runtimeapi.CreateContainerRequest, opts ...grpc.CallOption) (*runtimeapi.CreateContainerResponse, error) {
	reply, err := c.RuntimeServiceClient.CreateContainer(ctx, r, opts...)
	if err == nil {
		c.names[reply.GetContainerId()] = r.GetConfig().GetMetadata().GetName()
	}
	return reply, err
}

func (c *recordedCalls) StartContainer(ctx context.Context, r *runtimeapi.StartContainerRequest, opts ...grpc.CallOption) (reply *runtimeapi.StartContainerResponse, err error) {
	err = c.around(c.names[r.GetContainerId()], "StartContainer", func() error {
		reply, err = c.RuntimeServiceClient.StartContainer(ctx, r, opts...)
		return err
	})
	return reply, err
}

func (c *recordedCalls) StopContainer(ctx context.Context, r *runtimeapi.StopContainerRequest, opts ...grpc.CallOption) (reply *runtimeapi.StopContainerResponse, err error) {
	call := fmt.Sprintf("StopContainer (timeout %d s)", r.GetTimeout())
	err = c.around(c.names[r.GetContainerId()], call, func() error {
		reply, err = c.RuntimeServiceClient.StopContainer(ctx, r, opts...)
		return err
	})
	return reply, err
}
