package shim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	"github.com/containerd/containerd/v2/pkg/shim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/shim/bootstrap"
)

// bootManager starts, describes and cleans up after shims: the stock manager,
// taught about our options and about the members of a pod.
type bootManager struct{ stock shim.Shim }

func newManager() shim.Shim { return bootManager{stock: manager.NewShimManager(hooks.RuntimeType)} }

// Name implements [shim.Shim].
func (m bootManager) Name() string { return m.stock.Name() }

// Start implements [shim.Shim]. The stock manager looks for runc's options
// among the parameters and is content without any.
func (m bootManager) Start(ctx context.Context, p *bootapi.BootstrapParams) (*bootapi.BootstrapResult, error) {
	result, err := m.stock.Start(ctx, p)
	if err == nil && careless(p.GetContainerdVersion()) {
		result.Version = bootstrap.OldVersion
	}
	return result, err
}

// careless tells containerd 2.3. It hands a pod's containers to a shim of version 3
// and does not look after them: when the shim dies it has only the sandbox cleaned up,
// and where the sandbox goes first no one ends the shim. With a shim of version 2 it
// does both for every container, as older releases do.
func careless(version string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(version, "v"), "2.3")
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// Info implements [shim.Shim]. It answers even where the runtime's binary is
// not to be found: an error would cost every feature, not only the runtime's.
func (m bootManager) Info(ctx context.Context, optionsR io.Reader) (*types.RuntimeInfo, error) {
	input, err := translateInfoOptions(optionsR)
	if err != nil {
		return nil, err
	}
	info, err := m.stock.Info(ctx, bytes.NewReader(input))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: runtime features are unknown: %v\n", hooks.RuntimeType, err)
		info = &types.RuntimeInfo{Name: m.Name()}
	}
	info.Version = &types.RuntimeVersion{Version: Version}
	if info.Annotations == nil {
		info.Annotations = map[string]string{}
	}
	info.Annotations[hooks.JoinerAnnotation] = joinerState()
	return info, nil
}

// joinerState tries what a shim does at its start.
func joinerState() string {
	j, err := joiner.Open()
	if err != nil {
		return err.Error()
	}
	j.Close()
	return hooks.JoinerReady
}

// translateInfoOptions gives the stock manager runc's options where the client
// sent runtimeoptions.v1.
func translateInfoOptions(r io.Reader) ([]byte, error) {
	input, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read runtime options: %w", err)
	}
	var opts anypb.Any
	if err := proto.Unmarshal(input, &opts); err != nil {
		return nil, fmt.Errorf("runtime options: %w", err)
	}
	node, err := nodeConfigOf(&opts)
	if err != nil || !node.translate {
		return input, err
	}
	translated, err := node.runcOptions(&opts)
	if err != nil {
		return nil, errors.Join(errors.New("translate runtime options"), err)
	}
	return proto.Marshal(translated)
}
