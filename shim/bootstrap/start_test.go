package bootstrap

import (
	"encoding/json"
	"io"
	"os"
	"testing"

	api "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	"github.com/containerd/containerd/api/types/runc/options"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"bookend.dev/bookend/runtime/bundle"
)

// run runs a shim with this command line and stdin, which answers a start as
// containerd's library does. It returns what that shim was told and what the daemon was.
func run(t *testing.T, args []string, stdin []byte) (told, answer []byte, err error) {
	t.Helper()
	defer func(args []string, in, out *os.File) { os.Args, os.Stdin, os.Stdout = args, in, out }(os.Args, os.Stdin, os.Stdout)
	t.Chdir(t.TempDir()) // the bundle
	daemon, err := inMemory(nil)
	must(t, err)
	os.Stdin, err = inMemory(stdin)
	must(t, err)
	os.Args, os.Stdout = append([]string{"containerd-shim-bookend-v2"}, args...), daemon
	err = Run(func() {
		told, err = io.ReadAll(os.Stdin)
		must(t, err)
		data, err := proto.Marshal(&api.BootstrapResult{Version: 3, Address: "unix:///run/s", Protocol: "ttrpc"})
		must(t, err)
		_, err = os.Stdout.Write(data)
		must(t, err)
	})
	answer, readErr := io.ReadAll(io.NewSectionReader(daemon, 0, maxInput))
	must(t, readErr)
	return told, answer, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	must(t, err)
	return data
}

// start is the command line of every daemon.
var start = []string{"-namespace", "k8s.io", "-address", "/run/c.sock", "-publish-binary", "/usr/bin/containerd", "-id", "web", "start"}

// ofOptions is what a daemon before 2.3 writes to stdin: an Any with the bare name as its URL.
func ofOptions(t *testing.T, o *options.Options) []byte {
	t.Helper()
	return marshal(t, &anypb.Any{TypeUrl: string(o.ProtoReflect().Descriptor().FullName()), Value: marshal(t, o)})
}

func TestAStartOfANewDaemonPassesAsItIs(t *testing.T) {
	stdin := marshal(t, &api.BootstrapParams{InstanceID: "web", Namespace: "k8s.io", ContainerdVersion: "2.4.2"})
	told, answer, err := run(t, start, stdin)
	if err != nil || string(told) != string(stdin) {
		t.Errorf("the shim was told %q, %v; want %q", told, err, stdin)
	}
	var result api.BootstrapResult
	must(t, proto.Unmarshal(answer, &result))
	if result.Version != 3 || result.Address != "unix:///run/s" {
		t.Errorf("the daemon was told %v", &result)
	}
}

func TestAStartOfAnOldDaemonIsTranslated(t *testing.T) {
	// These options read as BootstrapParams as well: their fields have the same numbers.
	withOptions := ofOptions(t, &options.Options{BinaryName: "crun", SystemdCgroup: true})
	for name, c := range map[string]struct {
		args  []string
		stdin []byte
		level api.LogLevel
	}{
		"without options":            {args: start},
		"with options":               {args: start, stdin: withOptions},
		"with -debug, options last":  {args: append([]string{"-debug"}, start...), stdin: withOptions, level: api.LogLevel_LOG_LEVEL_DEBUG},
		"BootstrapParams of another": {args: start, stdin: marshal(t, &api.BootstrapParams{InstanceID: "other", Namespace: "k8s.io"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(ttrpcAddressEnv, "/run/c.sock.ttrpc")
			told, answer, err := run(t, c.args, c.stdin)
			must(t, err)
			var p api.BootstrapParams
			must(t, proto.Unmarshal(told, &p))
			if p.InstanceID != "web" || p.Namespace != "k8s.io" || p.ContainerdGrpcAddress != "/run/c.sock" ||
				p.ContainerdTtrpcAddress != "/run/c.sock.ttrpc" || p.ContainerdBinary != "/usr/bin/containerd" || p.LogLevel != c.level {
				t.Errorf("the shim was told %v", &p)
			}
			var o options.Options
			found, err := p.FindExtension(&o)
			must(t, err)
			if want := string(c.stdin) == string(withOptions); found != want || want && (o.BinaryName != "crun" || !o.SystemdCgroup) {
				t.Errorf("the shim was told options %v, found: %t", &o, found)
			}
			if got, want := string(answer), `{"version":2,"address":"unix:///run/s","protocol":"ttrpc"}`+"\n"; got != want {
				t.Errorf("the daemon was told %s, want %s", got, want)
			}
			if address, err := bundle.ShimAddress("."); err != nil || address != "unix:///run/s" {
				t.Errorf("the bundle has the address %q, %v", address, err)
			}
		})
	}
}

func TestAStartWithoutSenseFails(t *testing.T) {
	told, answer, err := run(t, start, []byte("\xff\xff"))
	if err == nil || len(answer) > 0 || told != nil {
		t.Errorf("told %q, answer %q, %v", told, answer, err)
	}
}

// What is no start is none of this package's business.
func TestOtherCallsPassUntouched(t *testing.T) {
	for _, args := range [][]string{
		{"-info"}, {"-v"}, {"-namespace", "k8s.io", "-id", "web", "-bundle", "/b", "delete"},
		{"-namespace", "k8s.io", "-id", "web", "-address", "/run/c.sock"}, {"-unknown", "start"},
	} {
		told, answer, err := run(t, args, []byte("stdin"))
		if err != nil || string(told) != "stdin" || json.Valid(answer) {
			t.Errorf("%q: told %q, answer %q, %v", args, told, answer, err)
		}
	}
}
