package runtime

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func wantOwnExec(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, errOwnExec) || err.Error() != want {
		t.Errorf("got %v, want errOwnExec, %s", err, want)
	}
}

func TestPlanLeavesTheRestToTheRuntime(t *testing.T) {
	data, err := json.Marshal(testSpec("c1"))
	must(t, err)
	const known = `"process":{`
	for config, want := range map[string]string{
		`{`:                       `config.json: unexpected EOF`,
		`{}`:                      `process: there is none`,
		`{"process":{"cwd":"/"}}`: `linux: there is none`,
		`{"process":{"cwd":"x"},"linux":{"namespaces":[{"type":"mount"}]}}`:                  `process.cwd: "x" is not an absolute path`,
		`{"process":{"cwd":"/"},"linux":{}}`:                                                 `linux.namespaces: there is no mount namespace`,
		`{"process":{"cwd":"/"},"linux":{"namespaces":[{"type":"mount"},{"type":"mount"}]}}`: `linux.namespaces: type "mount" is there twice`,
		`{"process":{"cwd":"/"},"linux":{"namespaces":[{"type":"keys"}]}}`:                   `linux.namespaces: type "keys" is not known`,
		`{"vm":{}}`:             unknownField("vm"),
		`{"process":{"foo":1}}`: unknownField("foo"),
		`{"process":{"execCPUAffinity":{}},"linux":{}}`:       refused("process.execCPUAffinity"),
		`{"process":{"user":{"username":"ana"}},"linux":{}}`:  refused("process.user.username"),
		`{"process":{"rlimits":[{"type":"x"},{"kind":1}]}}`:   unknownField("kind"),
		`{"process":{"capabilities":{"extra":[]}}}`:           unknownField("extra"),
		`{"linux":{"intelRdt":{"closID":"x"}}}`:               unknownField("intelRdt"),
		`{"linux":{"memoryPolicy":{}}}`:                       unknownField("memoryPolicy"),
		`{"process":{},"linux":{"personality":{"flags":[]}}}`: refused("linux.personality.flags"),
		`{"process":[1]}`: `config.json: json: cannot unmarshal array into Go struct field config.process of type specs.Process`,
		strings.Replace(string(data), known, known+`"rlimits":[{"type":"RLIMIT_X"}],`, 1):                              `process.rlimits: type "RLIMIT_X" is not known`,
		strings.Replace(string(data), known, known+`"rlimits":[{"type":"RLIMIT_AS"},{"type":"RLIMIT_AS"}],`, 1):        `process.rlimits: type "RLIMIT_AS" is there twice`,
		strings.Replace(string(data), `"CAP_KILL"`, `"CAP_FLY"`, 1):                                                    `process.capabilities.bounding: the kernel does not have "CAP_FLY"`,
		strings.Replace(string(data), `"PATH=/bin"`, `"PATH"`, 1):                                                      `process.env: a variable has no name or no value`,
		strings.Replace(string(data), known, known+`"scheduler":{"policy":"SCHED_EXT"},`, 1):                           `process.scheduler.policy: "SCHED_EXT" is not known`,
		strings.Replace(string(data), known, known+`"scheduler":{"policy":"SCHED_IDLE","flags":["SCHED_FLAG_X"]},`, 1): `process.scheduler.flags: "SCHED_FLAG_X" is not known`,
		strings.Replace(string(data), known, known+`"ioPriority":{"class":"","priority":1},`, 1):                       `process.ioPriority.class: "" is not known`,
		strings.Replace(string(data), known, known+`"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8},`, 1):        `process.ioPriority.priority: 8 is not between 0 and 7`,
		strings.Replace(string(data), `"linux":{`, `"linux":{"personality":{"domain":"LINUX64"},`, 1):                  `linux.personality.domain: "LINUX64" is not known`,
	} {
		_, err := readPlan(planSourceOf(t, []byte(config)))
		wantOwnExec(t, err, want)
	}
}

func refused(field string) string { return field + ": bookend does not carry it out" }

func unknownField(name string) string { return `config.json: json: unknown field "` + name + `"` }

// A field that a new version of the specification brings is unknown until somebody
// has decided what hooks need of it.
func TestPlanKnowsWhatTheSpecificationHas(t *testing.T) {
	// Of what is decoded, all but execCPUAffinity, username, commandLine and flags is
	// carried out, or is not about hooks.
	if got, want := fieldsOf("process", reflect.TypeFor[specs.Process]()), strings.Fields(`
		process.terminal process.consoleSize.height process.consoleSize.width
		process.user.uid process.user.gid process.user.umask process.user.additionalGids process.user.username
		process.args process.commandLine process.env process.cwd
		process.capabilities.bounding process.capabilities.effective process.capabilities.inheritable
		process.capabilities.permitted process.capabilities.ambient
		process.rlimits.type process.rlimits.hard process.rlimits.soft
		process.noNewPrivileges process.apparmorProfile process.oomScoreAdj
		process.scheduler.policy process.scheduler.nice process.scheduler.priority process.scheduler.flags
		process.scheduler.runtime process.scheduler.deadline process.scheduler.period
		process.selinuxLabel process.ioPriority.class process.ioPriority.priority
		process.execCPUAffinity.initial process.execCPUAffinity.final
	`); !slices.Equal(got, want) {
		t.Errorf("of a process: %v, want %v", got, want)
	}
	if got := fieldsOf("", reflect.TypeFor[specs.LinuxNamespace]()); !slices.Equal(got, []string{"type", "path"}) {
		t.Errorf("of a namespace: %v", got)
	}
	if got := fieldsOf("", reflect.TypeFor[specs.LinuxPersonality]()); !slices.Equal(got, []string{"domain", "flags"}) {
		t.Errorf("of a personality: %v", got)
	}
	wantUnknown(t, reflect.TypeFor[specs.Spec](), reflect.TypeFor[config](), "solaris", "windows", "vm", "zos", "freebsd")
	wantUnknown(t, reflect.TypeFor[specs.Linux](), reflect.TypeFor[linuxConfig](), "intelRdt", "memoryPolicy")
}

// wantUnknown checks which fields of a type of the specification ours does not have,
// and that it has no others.
func wantUnknown(t *testing.T, spec, ours reflect.Type, want ...string) {
	t.Helper()
	var unknown []string
	known := map[string]bool{}
	for f := range ours.Fields() {
		known[jsonName(f)] = true
	}
	for f := range spec.Fields() {
		if name := jsonName(f); known[name] {
			delete(known, name)
		} else {
			unknown = append(unknown, name)
		}
	}
	if !slices.Equal(unknown, want) {
		t.Errorf("%s: unknown %v, want %v", spec, unknown, want)
	}
	if len(known) > 0 {
		t.Errorf("%s has no %v", spec, known)
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// fieldsOf lists the fields of a type by their paths, in which lists do not show.
func fieldsOf(path string, typ reflect.Type) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return []string{path}
	}
	var found []string
	for f := range typ.Fields() {
		found = append(found, fieldsOf(strings.TrimPrefix(path+"."+jsonName(f), "."), f.Type)...)
	}
	return found
}
