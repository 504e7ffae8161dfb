package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
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
	cri, err := newConn(d.Address())
	if err != nil {
		return err
	}
	native, err := newConn(d.Address(),
		grpc.WithUnaryInterceptor(unaryNamespace), grpc.WithStreamInterceptor(streamNamespace))
	if err != nil {
		return errors.Join(err, cri.Close())
	}
	d.conns = []*grpc.ClientConn{cri, native}
	if d.Client, err = containerd.NewWithConn(native); err != nil {
		return fmt.Errorf("containerd client: %w", err)
	}
	d.CRI = &CRI{
		RuntimeServiceClient: runtimeapi.NewRuntimeServiceClient(cri),
		Images:               runtimeapi.NewImageServiceClient(cri),
		daemon:               d,
	}
	d.Tasks = &Tasks{daemon: d}
	return nil
}

func newConn(path string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("unix://"+path, append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: pollInterval, Multiplier: 1.6, MaxDelay: 200 * time.Millisecond},
			// Without it a connection has only the backoff to come up in.
			MinConnectTimeout: Scaled(10 * time.Second),
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))...)
}

// inNamespace gives a call that names no namespace that of [Tasks].
func inNamespace(ctx context.Context) context.Context {
	if _, ok := namespaces.Namespace(ctx); ok {
		return ctx
	}
	return namespaces.WithNamespace(ctx, TaskNamespace)
}

func unaryNamespace(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(inNamespace(ctx), method, req, reply, conn, opts...)
}

func streamNamespace(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return stream(inNamespace(ctx), desc, conn, method, opts...)
}

func (d *Daemon) disconnect() {
	for _, conn := range d.conns {
		_ = conn.Close()
	}
}

// ready waits until the CRI plugin answers, has its network, and knows the
// pause image.
func (d *Daemon) ready(ctx context.Context) error {
	return Poll(ctx, ReadyTimeout, "the CRI plugin", func() error {
		status, err := d.CRI.Status(ctx, &runtimeapi.StatusRequest{})
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
