package runtime

import (
	"encoding/json"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"bookend.dev/bookend/runtime/joiner"
)

func TestPlanOfRuntimesThatDiffer(t *testing.T) {
	umask := uint32(0o77)
	withUmask := func(s *specs.Spec) { s.Process.User.Umask = &umask }
	for name, tt := range map[string]struct {
		rt   Identity
		edit func(*specs.Spec)
		want string // of what makes the difference, or of the error
		show func(joiner.Plan) string
	}{
		"runc's keyring":          {newRunc, nil, "_ses.c1", func(p joiner.Plan) string { return p.Keyring }},
		"crun's keyring":          {someCrun, nil, "c1", func(p joiner.Plan) string { return p.Keyring }},
		"no umask with runc":      {newRunc, nil, "null", showUmask},
		"no umask with crun":      {someCrun, nil, "18", showUmask},
		"a umask with crun":       {someCrun, withUmask, "63", showUmask},
		"a umask with runc 1.1":   {oldRunc, withUmask, "process.user.umask: runc 1.1.5+ds1 does not give it to an exec", nil},
		"no capabilities":         {newRunc, noCaps, "nil", showCaps},
		"none with runc 1.1":      {oldRunc, noCaps, "process.capabilities: there are none, which runc 1.1.5+ds1 has its own way with", nil},
		"none with crun":          {someCrun, noCaps, "process.capabilities: there are none, which crun 1.8.1 has its own way with", nil},
		"a scheduler, runc 1.1":   {oldRunc, withScheduler, "process.scheduler: it is not known what runc 1.1.5+ds1 makes of it", nil},
		"a scheduler, crun":       {someCrun, withScheduler, "process.scheduler: it is not known what crun 1.8.1 makes of it", nil},
		"an I/O priority, crun":   {someCrun, withIOPriority, "process.ioPriority: it is not known what crun 1.8.1 makes of it", nil},
		"a personality, runc 1.1": {oldRunc, withPersonality, "linux.personality: it is not known what runc 1.1.5+ds1 makes of it", nil},
		"a personality, crun":     {someCrun, withPersonality, "0", func(p joiner.Plan) string { return asJSON(p.Personality) }},
		"a handler of crun's":     {someCrun, withAnnotation("run.oci.handler"), `annotations: crun may read "run.oci.handler"`, nil},
		"WebAssembly in crun":     {someCrun, withAnnotation("module.wasm.image/variant"), `annotations: crun may read "module.wasm.image/variant"`, nil},
		"crun's words for runc":   {newRunc, withAnnotation("run.oci.handler"), "_ses.c1", func(p joiner.Plan) string { return p.Keyring }},
		"not plain":               {Identity{Name: "runsc", Reason: "it is a sandbox"}, nil, "it is a sandbox", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := planOf(t, tt.rt, tt.edit)
			if tt.show == nil {
				wantOwnExec(t, err, tt.want)
				return
			}
			must(t, err)
			if got := tt.show(p.Template); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func noCaps(s *specs.Spec) { s.Process.Capabilities = nil }

func withScheduler(s *specs.Spec) {
	s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch}
}

func withIOPriority(s *specs.Spec) {
	s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE}
}

func withPersonality(s *specs.Spec) {
	s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux}
}

func withAnnotation(name string) func(*specs.Spec) {
	return func(s *specs.Spec) { s.Annotations = map[string]string{name: "x"} }
}

func showUmask(p joiner.Plan) string { return asJSON(p.Umask) }

func showCaps(p joiner.Plan) string {
	if p.Caps == nil {
		return "nil"
	}
	return asJSON(p.Caps)
}

func asJSON(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}
