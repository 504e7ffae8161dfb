package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// crictl makes the calls that change a pod by the command of that name; all
// others are those of the client it wraps.
type crictl struct {
	runtimeapi.RuntimeServiceClient

	program  string
	endpoint string
}

// run runs crictl and returns what it printed. crictl's own time limit of two
// seconds is below what a hook may take.
func (c *crictl) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.program, append([]string{
		"--config", os.DevNull, "--runtime-endpoint", c.endpoint, "--image-endpoint", c.endpoint, "--timeout", "120s",
	}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", crictlError(stderr.String(), err)
	}
	return strings.TrimSpace(stdout.String()), nil
}

var (
	logMessage = regexp.MustCompile(`level=(?:fatal|error) msg=("(?:[^"\\]|\\.)*")`)
	rpcCode    = regexp.MustCompile(`rpc error: code = (\w+) desc = `)
)

// crictlError makes of what a failed crictl printed the error that it got, with
// its gRPC code where it is told.
func crictlError(stderr string, err error) error {
	message := strings.TrimSpace(stderr)
	if found := logMessage.FindAllStringSubmatch(stderr, -1); found != nil {
		if unquoted, err := strconv.Unquote(found[len(found)-1][1]); err == nil {
			message = unquoted
		}
	}
	code := codes.Unknown
	if found := rpcCode.FindStringSubmatch(message); found != nil {
		code = codeNamed(found[1])
	}
	return status.Error(code, fmt.Sprintf("crictl: %v: %s", err, message))
}

func codeNamed(name string) codes.Code {
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		if code.String() == name {
			return code
		}
	}
	return codes.Unknown
}

// withFiles calls do with the paths of files that hold the messages, in the
// form that crictl reads.
func withFiles(messages []any, do func(paths ...string) (string, error)) (string, error) {
	dir, err := os.MkdirTemp("", "bookend-demo-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var paths []string
	for i, m := range messages {
		b, err := json.Marshal(m)
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return "", err
		}
		paths = append(paths, path)
	}
	return do(paths...)
}

func (c *crictl) RunPodSandbox(ctx context.Context, r *runtimeapi.RunPodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.RunPodSandboxResponse, error) {
	id, err := withFiles([]any{r.GetConfig()}, func(paths ...string) (string, error) {
		return c.run(ctx, "runp", "--runtime", r.GetRuntimeHandler(), paths[0])
	})
	if err != nil {
		return nil, err
	}
	return &runtimeapi.RunPodSandboxResponse{PodSandboxId: id}, nil
}

func (c *crictl) CreateContainer(ctx context.Context, r *runtimeapi.CreateContainerRequest, _ ...grpc.CallOption) (*runtimeapi.CreateContainerResponse, error) {
	id, err := withFiles([]any{r.GetConfig(), r.GetSandboxConfig()}, func(paths ...string) (string, error) {
		return c.run(ctx, "create", "--no-pull", r.GetPodSandboxId(), paths[0], paths[1])
	})
	if err != nil {
		return nil, err
	}
	return &runtimeapi.CreateContainerResponse{ContainerId: id}, nil
}

func (c *crictl) StartContainer(ctx context.Context, r *runtimeapi.StartContainerRequest, _ ...grpc.CallOption) (*runtimeapi.StartContainerResponse, error) {
	_, err := c.run(ctx, "start", r.GetContainerId())
	return &runtimeapi.StartContainerResponse{}, err
}

func (c *crictl) StopContainer(ctx context.Context, r *runtimeapi.StopContainerRequest, _ ...grpc.CallOption) (*runtimeapi.StopContainerResponse, error) {
	_, err := c.run(ctx, "stop", "--timeout", strconv.FormatInt(r.GetTimeout(), 10), r.GetContainerId())
	return &runtimeapi.StopContainerResponse{}, err
}

func (c *crictl) StopPodSandbox(ctx context.Context, r *runtimeapi.StopPodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.StopPodSandboxResponse, error) {
	_, err := c.run(ctx, "stopp", r.GetPodSandboxId())
	return &runtimeapi.StopPodSandboxResponse{}, err
}

func (c *crictl) RemovePodSandbox(ctx context.Context, r *runtimeapi.RemovePodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.RemovePodSandboxResponse, error) {
	_, err := c.run(ctx, "rmp", r.GetPodSandboxId())
	return &runtimeapi.RemovePodSandboxResponse{}, err
}
