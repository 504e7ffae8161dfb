package integration

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/integration/harness"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/typeurl/v2"
	"github.com/opencontainers/runtime-spec/specs-go/features"
	"google.golang.org/protobuf/proto"
)

// The tests in this file are about what the shim says of itself.

// shimInfo runs a shim's -info with options, which may be nil, and a PATH.
func shimInfo(t *testing.T, binary, path string, opts any) *types.RuntimeInfo {
	t.Helper()
	var input []byte
	if opts != nil {
		message, err := typeurl.MarshalAnyToProto(opts)
		if err != nil {
			t.Fatal(err)
		}
		if input, err = proto.Marshal(message); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary, "-info")
	cmd.Env = []string{"PATH=" + path}
	cmd.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s -info: %v: %s", binary, err, &complaint)
	}
	info := &types.RuntimeInfo{}
	if err := proto.Unmarshal(out, info); err != nil {
		t.Fatal(err)
	}
	return info
}

// shims returns our shim's path and the stock shim's, and the tools' directory.
func shims(t *testing.T) (ours, stock, tools string) {
	t.Helper()
	b, err := harness.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	if ours, err = b.Shim(); err != nil {
		t.Fatal(err)
	}
	return ours, filepath.Join(b.Tools, "containerd-shim-runc-v2"), b.Tools
}

// noInfo is why there is nothing to compare with.
const noInfo = "containerd 1.7 asks no shim for -info, and its own shim has none"

func TestInfoTellsTheRuntimesFeatures(t *testing.T) {
	skipBefore(t, 0, noInfo)
	ours, stock, tools := shims(t)
	got, want := shimInfo(t, ours, tools, nil), shimInfo(t, stock, tools, nil)
	if before(t, 1) { // the stock shim leaves out what the OCI's specification has got since
		wantFields(t, "features", decoded(t, got), decoded(t, want))
	} else if !proto.Equal(got.GetFeatures(), want.GetFeatures()) {
		t.Errorf("features %v\nthe stock shim's %v", got.GetFeatures(), want.GetFeatures())
	}
	wantFeatures(t, got)
	if got.GetName() != harness.BookendRuntime {
		t.Errorf("name %q, want %q", got.GetName(), harness.BookendRuntime)
	}
	if got.GetVersion().GetVersion() == want.GetVersion().GetVersion() {
		t.Errorf("version %q is the stock shim's", got.GetVersion().GetVersion())
	}
}

func decoded(t *testing.T, info *types.RuntimeInfo) (fields any) {
	t.Helper()
	if err := json.Unmarshal(info.GetFeatures().GetValue(), &fields); err != nil {
		t.Fatalf("features: %v", err)
	}
	return fields
}

// wantFields wants got to have all fields of want, whatever else it has.
func wantFields(t *testing.T, path string, got, want any) {
	t.Helper()
	fields, ok := want.(map[string]any)
	if !ok {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, the stock shim's %v", path, got, want)
		}
		return
	}
	ours, _ := got.(map[string]any)
	for name, value := range fields {
		wantFields(t, path+"."+name, ours[name], value)
	}
}

// wantFeatures checks those that containerd looks at.
func wantFeatures(t *testing.T, info *types.RuntimeInfo) {
	t.Helper()
	var f features.Features
	if err := json.Unmarshal(info.GetFeatures().GetValue(), &f); err != nil {
		t.Fatalf("features: %v", err)
	}
	if f.Linux == nil || !slices.Contains(f.Linux.Namespaces, "user") || !slices.Contains(f.MountOptions, "rro") {
		t.Errorf("features %s, want user namespaces and recursive read-only mounts", info.GetFeatures().GetValue())
	}
}

func TestInfoAnswersWithoutARuntime(t *testing.T) {
	ours, _, tools := shims(t)
	got := shimInfo(t, ours, "/no/such/directory", nil)
	if whole := shimInfo(t, ours, tools, nil); got.GetName() != whole.GetName() || !proto.Equal(got.GetVersion(), whole.GetVersion()) || got.GetFeatures() != nil {
		t.Errorf("got %v, want name and version alone", got)
	}
}

func TestInfoTakesItsRuntimeFromOurOptions(t *testing.T) {
	ours, _, tools := shims(t)
	config := "[runc]\nbinaryName = '" + filepath.Join(tools, "runc") + "'\n"
	wantFeatures(t, shimInfo(t, ours, "/no/such/directory", &runtimeoptions.Options{ConfigBody: []byte(config)}))
}

func TestInfoIsKnownToContainerd(t *testing.T) {
	skipBefore(t, 0, noInfo)
	d := shared.Daemon(t)
	ours, _, tools := shims(t)
	direct := shimInfo(t, ours, tools, nil)
	for name, runtime := range map[string]string{"by name": harness.BookendRuntime, "by path": ours} {
		info, err := d.Client.RuntimeInfo(t.Context(), runtime, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info.Name != harness.BookendRuntime || info.Version.Version != direct.GetVersion().GetVersion() {
			t.Errorf("%s: %s %s, want %s %s", name, info.Name, info.Version.Version, harness.BookendRuntime, direct.GetVersion().GetVersion())
		}
		f, ok := info.Features.(*features.Features)
		if !ok || f.Linux == nil || !slices.Contains(f.Linux.Namespaces, "user") {
			t.Errorf("%s: features %#v, want user namespaces", name, info.Features)
		}
	}
}

func TestInfoVersionIsOurs(t *testing.T) {
	ours, _, tools := shims(t)
	version := shimInfo(t, ours, tools, nil).GetVersion().GetVersion()
	out, err := exec.Command(ours, "-v").CombinedOutput()
	if err != nil {
		t.Fatalf("-v: %v: %s", err, out)
	}
	printed := regexp.MustCompile(`Version:\s+(\S+)`).FindStringSubmatch(string(out))
	if printed == nil || printed[1] != version || !strings.HasPrefix(string(out), "containerd-shim-bookend-v2:") {
		t.Errorf("-v prints %q, want version %s", out, version)
	}
}
