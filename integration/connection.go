package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func dialUnix(ctx context.Context, path string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", path)
}

// connect makes the clients. Their connections outlive containerd's restarts.
func (d *Daemon) connect() error {
	conn, err := grpc.NewClient("unix://"+d.Address(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: pollInterval, Multiplier: 1.6, MaxDelay: 200 * time.Millisecond},
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	if err != nil {
		return err
	}
	client, err := containerd.NewWithConn(conn)
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("containerd client: %w", err)
	}
	d.Client = client
	d.CRI = &CRI{
		RuntimeServiceClient: runtimeapi.NewRuntimeServiceClient(conn),
		Images:               runtimeapi.NewImageServiceClient(conn),
		daemon:               d,
	}
	d.Tasks = &Tasks{daemon: d}
	return nil
}

func (d *Daemon) disconnect() {
	if d.Client != nil {
		_ = d.Client.Close()
	}
}

// ready waits until the CRI plugin answers, has its network, and knows the
// pause image.
func (d *Daemon) ready(ctx context.Context) error {
	return poll(ctx, readyTimeout, "the CRI plugin", func() error {
		status, err := d.CRI.RuntimeServiceClient.Status(ctx, &runtimeapi.StatusRequest{})
		if err != nil {
			return err
		}
		for _, c := range status.GetStatus().GetConditions() {
			if (c.GetType() == runtimeapi.RuntimeReady || c.GetType() == runtimeapi.NetworkReady) && !c.GetStatus() {
				return fmt.Errorf("%s: %s: %s", c.GetType(), c.GetReason(), c.GetMessage())
			}
		}
		for _, name := range []string{PauseImage, BusyboxImage, TestserverImage} {
			image, err := d.CRI.Images.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{
				Image: &runtimeapi.ImageSpec{Image: name},
			})
			if err != nil {
				return err
			}
			if image.GetImage() == nil {
				return errors.New("no image " + name)
			}
		}
		return nil
	})
}
