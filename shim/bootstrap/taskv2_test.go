package bootstrap

import (
	"context"
	"net"
	"path/filepath"
	"reflect"
	"testing"

	v2 "github.com/containerd/containerd/api/runtime/task/v2"
	v3 "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// service answers two calls; every other is one of a nil service.
type service struct{ v3.TTRPCTaskService }

func (service) State(_ context.Context, r *v3.StateRequest) (*v3.StateResponse, error) {
	return &v3.StateResponse{ID: r.ID, ExecID: r.ExecID, Pid: 42, Terminal: true, Stdout: "out"}, nil
}

func (service) Kill(_ context.Context, r *v3.KillRequest) (*emptypb.Empty, error) {
	return nil, ttrpc.ErrClosed
}

func TestAClientOfVersion2IsServed(t *testing.T) {
	server, err := ttrpc.NewServer()
	must(t, err)
	RegisterV2(server, service{})
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	must(t, err)
	go func() { _ = server.Serve(t.Context(), l) }()
	defer server.Close()
	conn, err := net.Dial("unix", l.Addr().String())
	must(t, err)
	client := ttrpc.NewClient(conn)
	defer client.Close()
	task := v2.NewTTRPCTaskClient(client)
	resp, err := task.State(t.Context(), &v2.StateRequest{ID: "web", ExecID: "e"})
	must(t, err)
	if resp.ID != "web" || resp.ExecID != "e" || resp.Pid != 42 || !resp.Terminal || resp.Stdout != "out" {
		t.Errorf("got %v", resp)
	}
	if _, err := task.Kill(t.Context(), &v2.KillRequest{ID: "web"}); err == nil {
		t.Error("an error was lost")
	}
}

// Every method of version 2 is one of version 3, with the same fields on the wire.
func TestVersion2HasTheMethodsAndMessagesOfVersion3(t *testing.T) {
	older, newer := reflect.TypeFor[v2.TTRPCTaskService](), reflect.TypeFor[v3.TTRPCTaskService]()
	if older.NumMethod() != newer.NumMethod() {
		t.Errorf("%d methods, and %d", older.NumMethod(), newer.NumMethod())
	}
	served := methods(service{})
	for i := range older.NumMethod() {
		if name := older.Method(i).Name; served[name] == nil {
			t.Errorf("%s is not served", name)
		}
	}
	messages := v2.File_runtime_task_v2_shim_proto.Messages()
	for i := range messages.Len() {
		old := messages.Get(i)
		now := v3.File_runtime_task_v3_shim_proto.Messages().ByName(old.Name())
		if now == nil {
			t.Errorf("version 3 has no %s", old.Name())
			continue
		}
		for j := range old.Fields().Len() {
			a := old.Fields().Get(j)
			b := now.Fields().ByNumber(a.Number())
			if b == nil || a.Name() != b.Name() || a.Kind() != b.Kind() || a.Cardinality() != b.Cardinality() {
				t.Errorf("%s.%s differs: %v", old.Name(), a.Name(), b)
			}
		}
	}
}
