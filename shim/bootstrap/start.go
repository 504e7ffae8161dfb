package bootstrap

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	api "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/v2/pkg/atomicfile"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"bookend.dev/bookend/runtime/bundle"
)

// maxInput bounds what is read of a daemon, in bytes: containerd's own bound.
const maxInput = 10 << 20

// ttrpcAddressEnv is where older daemons name the address for events.
const ttrpcAddressEnv = "TTRPC_ADDRESS"

// Run runs main, which is the shim as containerd's library has it: it reads
// os.Args, os.Stdin and os.Stdout, and ends the process where it fails. A "start" by a
// daemon of another dialect is translated for it, and its answer for the daemon.
func Run(main func()) error {
	call := parse(os.Args[1:])
	if call.action != "start" {
		main()
		return nil
	}
	input, err := io.ReadAll(io.LimitReader(os.Stdin, maxInput))
	if err != nil {
		return fmt.Errorf("what the daemon says on stdin: %w", err)
	}
	if call.isNew(input) {
		if os.Stdin, err = inMemory(input); err == nil {
			main()
		}
		return err
	}
	return call.serveOld(input, main)
}

// serveOld runs main for a daemon before 2.3.
func (c call) serveOld(input []byte, main func()) error {
	params, err := c.translate(input, os.Getenv(ttrpcAddressEnv))
	if err != nil {
		return err
	}
	if os.Stdin, err = inMemory(params); err != nil {
		return err
	}
	// Made before there is a shim: a bundle that takes no file is found in time.
	address, err := atomicfile.New(bundle.AddressFile, 0o644)
	if err != nil {
		return err
	}
	defer address.Cancel() //nolint:errcheck // nothing to do once it is closed
	daemon := os.Stdout
	if os.Stdout, err = inMemory(nil); err != nil {
		return err
	}
	main()
	said, err := io.ReadAll(io.NewSectionReader(os.Stdout, 0, maxInput))
	if err != nil {
		return err
	}
	var result api.BootstrapResult
	if err := proto.Unmarshal(said, &result); err != nil {
		return fmt.Errorf("what the shim answers to a start: %w", err)
	}
	// containerd 1.7 leaves this file to shims and finds them by it when it restarts;
	// 2.0 and newer read it of shims that 1.7 started.
	_, err = io.WriteString(address, result.Address)
	if err = errors.Join(err, address.Close()); err != nil {
		return err
	}
	return json.NewEncoder(daemon).Encode(oldAnswer{Version: OldVersion, Address: result.Address, Protocol: result.Protocol})
}

// call is the command line of a shim, as far as it matters here.
type call struct {
	id, namespace, address, binary string
	debug                          bool
	action                         string
}

// parse reads a command line. Of one that main refuses it has no action.
func parse(args []string) call {
	var c call
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.id, "id", "", "")
	flags.StringVar(&c.namespace, "namespace", "", "")
	flags.StringVar(&c.address, "address", "", "")
	flags.StringVar(&c.binary, "publish-binary", "", "")
	flags.BoolVar(&c.debug, "debug", false, "")
	for _, other := range []string{"socket", "debug-socket", "bundle"} {
		flags.String(other, "", "")
	}
	for _, other := range []string{"v", "version", "info"} {
		flags.Bool(other, false, "")
	}
	if flags.Parse(args) == nil {
		c.action = flags.Arg(0)
	}
	return c
}

// isNew tells whether a daemon from 2.3 on says input. An old one's options may
// happen to read as BootstrapParams too, but not with this id and namespace.
func (c call) isNew(input []byte) bool {
	var p api.BootstrapParams
	return len(input) > 0 && proto.Unmarshal(input, &p) == nil && p.InstanceID == c.id && p.Namespace == c.namespace
}

// translate turns what an older daemon says by flags, environment and stdin into
// BootstrapParams.
func (c call) translate(input []byte, events string) ([]byte, error) {
	p := &api.BootstrapParams{
		InstanceID: c.id, Namespace: c.namespace, ContainerdBinary: c.binary,
		ContainerdGrpcAddress: c.address, ContainerdTtrpcAddress: events,
	}
	if c.debug {
		p.LogLevel = api.LogLevel_LOG_LEVEL_DEBUG
	}
	if len(input) > 0 {
		var options anypb.Any
		if err := proto.Unmarshal(input, &options); err != nil {
			return nil, fmt.Errorf("runtime options of a daemon before containerd 2.3: %w", err)
		}
		if err := p.AddExtension(&options); err != nil {
			return nil, err
		}
	}
	return proto.Marshal(p)
}

// oldAnswer is what daemons before 2.3 read.
type oldAnswer struct {
	Version  int    `json:"version"`
	Address  string `json:"address"`
	Protocol string `json:"protocol"`
}

// OldVersion is the version of the shim's API of which daemons call what [RegisterV2]
// serves.
const OldVersion = 2

// inMemory is a file with this content, to be read from its start.
func inMemory(content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("bookend-bootstrap", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "bootstrap")
	if _, err := f.WriteAt(content, 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
