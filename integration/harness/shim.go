package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/ttrpc"
)

// Shim is a connection to a shim's own socket, past containerd. Its calls need
// the context of [Shim.Context].
type Shim struct {
	taskapi.TTRPCTaskService

	client    *ttrpc.Client
	namespace string
}

// Bundle returns the bundle directory of a container: namespace is
// [TaskNamespace] or [CRINamespace].
func (d *Daemon) Bundle(namespace, id string) string {
	return d.Path("state", "io.containerd.runtime.v2.task", namespace, id)
}

// Shim connects to the shim that serves a container. The caller closes it.
func (d *Daemon) Shim(ctx context.Context, namespace, id string) (*Shim, error) {
	socket, err := d.ShimSocket(namespace, id)
	if err != nil {
		return nil, err
	}
	conn, err := dialUnix(ctx, socket)
	if err != nil {
		return nil, fmt.Errorf("connect to the shim of %s: %w", id, err)
	}
	var opts []ttrpc.ClientOpts
	if d.release.Before(2, 0) {
		opts = append(opts, ttrpc.WithUnaryClientInterceptor(asVersion2))
	}
	client := ttrpc.NewClient(conn, opts...)
	return &Shim{TTRPCTaskService: taskapi.NewTTRPCTaskClient(client), client: client, namespace: namespace}, nil
}

// asVersion2 makes a call one of the Task API that shims of containerd 1.7 serve. Its
// messages are those of version 3.
func asVersion2(ctx context.Context, req *ttrpc.Request, resp *ttrpc.Response, _ *ttrpc.UnaryClientInfo, invoke ttrpc.Invoker) error {
	req.Service = "containerd.task.v2.Task"
	return invoke(ctx, req, resp)
}

// Context returns ctx with the shim's namespace, which each call must carry.
func (s *Shim) Context(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, s.namespace)
}

// Close drops the connection, calls in flight included.
func (s *Shim) Close() error { return s.client.Close() }

// ShimSocket returns the path of the socket of the shim that serves a container.
func (d *Daemon) ShimSocket(namespace, id string) (string, error) {
	path := filepath.Join(d.Bundle(namespace, id), "bootstrap.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && d.release.Before(2, 0) { // the shim's own file
		b, err = os.ReadFile(filepath.Join(d.Bundle(namespace, id), "address"))
		if err == nil {
			return strings.TrimPrefix(string(b), "unix://"), nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("address of the shim of %s: %w", id, err)
	}
	var result struct{ Address string }
	if err := json.Unmarshal(b, &result); err != nil {
		return "", fmt.Errorf("address of the shim of %s: %s: %w", id, path, err)
	}
	return strings.TrimPrefix(result.Address, "unix://"), nil
}
