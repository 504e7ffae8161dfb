package shim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/log"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/runtime"
	"bookend.dev/bookend/runtime/joiner"
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
	return m.stock.Start(ctx, p)
}

// Stop implements [shim.Shim]: it cleans up after a shim that died. Not every
// containerd asks for more than the sandbox of a pod, so its members are ended
// first; and containerd asks as well when only the sandbox is gone and its shim
// serves the members on, who are then left alone.
func (m bootManager) Stop(ctx context.Context, id string) (shim.StopStatus, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return shim.StopStatus{}, err
	}
	bundles := filepath.Dir(cwd)
	address, addressErr := runtime.ShimAddress(filepath.Join(bundles, id))
	if addressErr == nil && !isDead(address) {
		// containerd asks for every container of a pod that was deleted.
		return m.stock.Stop(ctx, id)
	}
	members := orphans(ctx, bundles, id)
	// First, and the container that was asked for at the head of the rest:
	// containerd grants five seconds for all of it.
	recordsOf(ctx, bundles, append(members, id)).abandon(ctx)
	st, err := m.stopAll(ctx, bundles, id, members)
	if addressErr == nil {
		removeDeadSocket(address)
	}
	return st, err
}

// stopsAtOnce bounds the clean-ups that run side by side. Most of one is waiting:
// runc looks every 100 ms whether the init that it killed has gone.
const stopsAtOnce = 8

// stopAll cleans up after a dead shim: a container's, whose exit it returns, and
// those of the members of its pod.
func (m bootManager) stopAll(ctx context.Context, bundles, id string, members []string) (st shim.StopStatus, err error) {
	var all errgroup.Group
	all.SetLimit(stopsAtOnce)
	all.Go(func() (err error) {
		st, err = m.stopOrphan(ctx, bundles, id)
		return err
	})
	for _, member := range members {
		all.Go(func() error {
			if _, err := os.Stat(filepath.Join(bundles, member)); errors.Is(err, fs.ErrNotExist) {
				return nil // the newest containerds ask for members too
			}
			if _, err := m.stopOrphan(ctx, bundles, member); err != nil {
				log.G(ctx).WithError(err).WithField("container", member).Warn("bookend: clean up after the shim's death")
			}
			return nil
		})
	}
	err = all.Wait()
	return st, err
}

// stopOrphan cleans up after one container. What its hooks have left goes first:
// frozen, it would keep the init from dying.
func (m bootManager) stopOrphan(ctx context.Context, bundles, id string) (shim.StopStatus, error) {
	if err := runtime.KillLeftHooks(filepath.Join(bundles, id)); err != nil {
		log.G(ctx).WithError(err).WithField("container", id).Warn("bookend: hooks of a dead shim")
	}
	return m.stock.Stop(ctx, id)
}

// orphans returns the members of a sandbox's pod whose shim is dead.
func orphans(ctx context.Context, bundles, sandboxID string) []string {
	members, err := runtime.PodMembers(bundles, sandboxID)
	if err != nil {
		log.G(ctx).WithError(err).WithField("sandbox", sandboxID).Warn("bookend: look for the members of the pod")
	}
	return slices.DeleteFunc(members, func(member string) bool {
		address, err := runtime.ShimAddress(filepath.Join(bundles, member))
		return err != nil || !isDead(address)
	})
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
