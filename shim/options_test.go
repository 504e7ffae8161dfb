package shim

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// packed is a client's options as the shim finds them: those that all have their
// defaults have no value.
func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	if m == nil {
		return nil
	}
	sent, err := typeurl.MarshalAnyToProto(m)
	if err != nil {
		t.Fatal(err)
	}
	data, err := proto.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var opts anypb.Any
	if err := proto.Unmarshal(data, &opts); err != nil {
		t.Fatal(err)
	}
	return &opts
}

// A client that knows runc's options is obeyed; for others the name of the cgroup
// tells the driver.
func TestCreateOptionsTakeTheDriverFromTheCgroupsNameWhereNoOneSaysIt(t *testing.T) {
	const systemds, file = "kubepods-pod1.slice:cri-containerd:web", "/k8s.io/web"
	invalid := &runtimeoptions.Options{ConfigBody: []byte("BinaryName = 1")}
	ours := &runtimeoptions.Options{ConfigBody: []byte("[runc]\nbinaryName = \"crun\"\n")}
	for name, tt := range map[string]struct {
		sent   proto.Message
		cgroup string
		want   *options.Options // nil: as it was sent
	}{
		"none":                     {nil, file, nil},
		"none, systemd":            {nil, systemds, &options.Options{SystemdCgroup: true}},
		"none, custom slice":       {nil, "a-b.slice::web", &options.Options{SystemdCgroup: true}},
		"none, usual slice":        {nil, ":nerdctl:web", &options.Options{SystemdCgroup: true}},
		"runc's":                   {&options.Options{BinaryName: "crun"}, file, nil},
		"runc's, systemd":          {&options.Options{BinaryName: "crun"}, systemds, nil},
		"an owner's":               {&options.Options{IoUid: 7, IoGid: 8}, file, nil},
		"an owner's, systemd":      {&options.Options{IoUid: 7, IoGid: 8}, systemds, &options.Options{IoUid: 7, IoGid: 8, SystemdCgroup: true}},
		"a checkpoint's, systemd":  {&options.Options{CriuImagePath: "/c"}, systemds, &options.Options{CriuImagePath: "/c", SystemdCgroup: true}},
		"an owner's among others":  {&options.Options{IoUid: 7, NoPivotRoot: true}, systemds, nil},
		"ours":                     {ours, file, &options.Options{BinaryName: "crun"}},
		"ours, systemd":            {ours, systemds, &options.Options{BinaryName: "crun", SystemdCgroup: true}},
		"invalid, systemd":         {invalid, systemds, &options.Options{SystemdCgroup: true}},
		"a directory of that sort": {nil, "/a.slice/b:c", nil},
		"a directory with colons":  {nil, "/a:b:c", nil},
		"too many parts":           {nil, "a.slice:b:c:d", nil},
		"no cgroup":                {nil, "", nil},
		"runc's defaults, systemd": {&options.Options{}, systemds, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"linux":{"cgroupsPath":"`+tt.cgroup+`"}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			sent := packed(t, tt.sent)
			node, err := nodeConfigOf(sent)
			if err != nil {
				t.Fatal(err)
			}
			got, err := node.createOptions(sent, dir, true)
			if err != nil {
				t.Fatal(err)
			}
			want := sent
			if tt.want != nil {
				want = packed(t, tt.want)
			}
			if !proto.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestCreateOptionsOfABundleThatCannotBeReadAreTheClients(t *testing.T) {
	node, err := nodeConfigOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := node.createOptions(nil, t.TempDir(), true); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCreateOptionsWithoutSystemdAreTheClients(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"linux":{"cgroupsPath":"a.slice:b:c"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	node, err := nodeConfigOf(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := node.createOptions(nil, dir, false); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
