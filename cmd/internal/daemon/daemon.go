package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"bookend.dev/bookend/cmd/internal/program"
)

// Daemon is a containerd that runs.
type Daemon struct {
	Process
	Version program.Version
	// Handlers are the runtimes of its CRI plugin by name, as it has loaded them.
	Handlers map[string]Handler
	// CRIErr says why there are no Handlers; it wraps ErrNoCRI where there is no
	// CRI plugin.
	CRIErr error
}

// Handler is a runtime as a daemon has loaded it.
type Handler struct {
	Type                 string   `json:"runtimeType"`
	Path                 string   `json:"runtimePath"`
	PodAnnotations       []string `json:"PodAnnotations"`
	ContainerAnnotations []string `json:"ContainerAnnotations"`
	// Options are the runtime's, with values as JSON has them.
	Options map[string]any `json:"options"`
}

// answerTimeout is for a daemon that is up: it has these answers at hand.
const answerTimeout = 5 * time.Second

// Find asks the daemon that listens at address, as [Connect] takes it.
func Find(ctx context.Context, address string) (*Daemon, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, pid, err := Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	d := &Daemon{}
	if d.Process, err = readProcess(pid, fmt.Sprintf("/proc/%d", pid)); err != nil {
		return nil, err
	}
	v, err := versionapi.NewVersionClient(conn).Version(ctx, &emptypb.Empty{})
	if err != nil {
		return nil, fmt.Errorf("ask containerd for its version: %w", err)
	}
	if d.Version, err = program.ParseVersion(v.GetVersion()); err != nil {
		return nil, fmt.Errorf("containerd's version: %w", err)
	}
	d.Handlers, d.CRIErr = handlers(ctx, runtimeapi.NewRuntimeServiceClient(conn))
	return d, nil
}

// handlers asks for the configuration that the CRI plugin runs with.
func handlers(ctx context.Context, cri runtimeapi.RuntimeServiceClient) (map[string]Handler, error) {
	reply, err := cri.Status(ctx, &runtimeapi.StatusRequest{Verbose: true})
	if status.Code(err) == codes.Unimplemented {
		return nil, fmt.Errorf("%w: %w", ErrNoCRI, err)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the CRI plugin for its status: %w", err)
	}
	var config struct {
		Containerd struct {
			Runtimes map[string]Handler `json:"runtimes"`
		} `json:"containerd"`
	}
	if err := json.Unmarshal([]byte(reply.GetInfo()["config"]), &config); err != nil {
		return nil, fmt.Errorf("the CRI plugin's configuration: %w", err)
	}
	return config.Containerd.Runtimes, nil
}
