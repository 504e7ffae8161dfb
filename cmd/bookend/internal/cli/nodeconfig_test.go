package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"bookend.dev/bookend/hooks"
)

// A node whose configuration is broken is one to look at.
func TestRecordsAreShownInSpiteOfTheNodesConfiguration(t *testing.T) {
	config := write(t, "config.toml", "[records]\ndirectory = 1\n")
	for file, says := range map[string]string{config: "records.directory: must be a string", config + ".none": "no such file or directory"} {
		t.Setenv(hooks.ConfigEnv, file)
		for args, want := range map[string]int{"ps": ExitOK, "history": ExitOK, "logs nobody-has-this-name": ExitFailed} {
			code, _, errs := run(t, "", strings.Fields(args)...)
			warning, rest, _ := strings.Cut(errs, "\n")
			if code != want || !strings.HasPrefix(warning, "bookend: warning: config") || !strings.Contains(warning, says) ||
				!strings.HasSuffix(warning, ": looking for records in /run/bookend") {
				t.Errorf("%s: exit code %d, %s", args, code, errs)
			}
			if code == ExitFailed && rest != "bookend: nobody-has-this-name: no container with hooks has this id or name in /run/bookend\n" {
				t.Errorf("%s: %s", args, rest)
			}
		}
	}
}

// asDaemon makes this test binary a containerd that tells its version at this
// socket, until its standard input ends.
const asDaemon = "BOOKEND_TEST_AS_DAEMON"

func serveVersion(socket string) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	versionapi.RegisterVersionServer(s, version{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.Stop()
	}()
	if _, err := os.Stdout.WriteString("ready"); err != nil {
		return err
	}
	if err := s.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

type version struct {
	versionapi.UnimplementedVersionServer
}

func (version) Version(context.Context, *emptypb.Empty) (*versionapi.VersionResponse, error) {
	return &versionapi.VersionResponse{Version: "v2.3.0"}, nil
}

// startContainerd starts a daemon with this in its environment.
func startContainerd(t *testing.T, variable string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = []string{asDaemon + "=" + socket, variable}, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if _, err := io.ReadFull(out, make([]byte, len("ready"))); err != nil {
		t.Fatal(err)
	}
	return socket
}

func TestRecordsAreWhereContainerdsEnvironmentSays(t *testing.T) {
	dir := newNode(t)
	config := write(t, "config.toml", "[records]\ndirectory = '"+dir+"'\n")
	t.Setenv(hooks.ConfigEnv, "")
	t.Setenv(addressEnv, "unix://"+startContainerd(t, hooks.ConfigEnv+"="+config))
	_, want, _ := run(t, "", "history", "--records", dir)
	if code, out, errs := run(t, "", "history"); code != ExitOK || out != want || errs != "" {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	t.Setenv(hooks.ConfigEnv, write(t, "own.toml", "[records]\ndirectory = '/none'\n"))
	if code, out, errs := run(t, "", "history"); code != ExitOK || strings.Count(out, "\n") != 1 || errs != "" {
		t.Errorf("this command's own environment comes first: exit code %d, %s%s", code, out, errs)
	}
}
