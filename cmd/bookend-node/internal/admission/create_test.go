package admission

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks"
)

func TestVerdicts(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			got, golden := f.admit(t, f.Pod).golden(t), "testdata/"+f.name+".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestAdmittingAgainChangesNothing(t *testing.T) {
	changed := 0
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			first := f.admit(t, f.Pod)
			changed += len(first.Patch)
			again := f.admit(t, first.apply(t, f.Pod))
			if len(again.Patch) > 0 {
				t.Errorf("changed again:\n%s", again.golden(t))
			}
			if again.Refused != first.Refused {
				t.Errorf("refused for %q, and again for %q", first.Refused, again.Refused)
			}
		})
	}
	if changed == 0 {
		t.Error("no fixture is changed at all")
	}
}

// runs counts, for each container and hook, how often it runs at its event: by
// the kubelet, and by bookend.
func runs(t *testing.T, raw []byte) map[string]int {
	t.Helper()
	p, err := readPod(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := newAdmitter(t).newCarrier(p, &Verdict{})
	count := map[string]int{}
	for _, one := range p.all() {
		fields, err := fieldsOf(one.Lifecycle)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			count[one.path()+"."+f.name]++
		}
		own, err := c.own(&one)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{hooks.FieldPostStart, hooks.FieldPreStop} {
			if f := own.document.field(name); f != nil && !isNull(f) {
				count[one.path()+"."+name]++
			}
		}
	}
	for name := range count { // a signal is no hook
		if strings.HasSuffix(name, "."+hooks.FieldStopSignal) {
			delete(count, name)
		}
	}
	return count
}

func TestEachHookRunsAsOftenAsItIsWritten(t *testing.T) {
	moved := false
	for _, f := range fixtures(t) {
		v := f.admit(t, f.Pod)
		if v.Refused != "" || f.name == "same-hook" || f.name == "other-class" || f.name == "twins" { // whose annotations no one reads
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			moved = moved || len(v.Patch) > 0
			before, after := runs(t, f.Pod), runs(t, v.apply(t, f.Pod))
			if !reflect.DeepEqual(before, after) {
				t.Errorf("hooks run %v times before, %v after", before, after)
			}
		})
	}
	if !moved {
		t.Error("no hook has moved")
	}
}

// stripped is a pod without what the webhook may change.
func stripped(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if metadata, ok := all["metadata"].(map[string]any); ok {
		delete(metadata, "annotations")
	}
	spec := all["spec"].(map[string]any)
	delete(spec, "runtimeClassName")
	for _, list := range []string{initContainers, containers} {
		of, _ := spec[list].([]any)
		for _, one := range of {
			delete(one.(map[string]any), "lifecycle")
		}
	}
	return all
}

func TestNothingElseOfThePodChanges(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			before, after := stripped(t, f.Pod), stripped(t, f.admit(t, f.Pod).apply(t, f.Pod))
			if !reflect.DeepEqual(before, after) {
				t.Errorf("was %v, is %v", before, after)
			}
		})
	}
}

func TestMalformedPods(t *testing.T) {
	for _, raw := range []string{
		"", "null x", "[]", `"pod"`, `{"spec": []}`, `{"spec": {"containers": {}}}`, `{"spec": {"containers": [{"name": 1}]}}`,
		`{"metadata": {"annotations": {"lifecycle.bookend.dev/web": 1}}}`, `{"spec": {"runtimeClassName": {}}}`,
	} {
		v, err := newAdmitter(t).Create([]byte(raw), nil)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", raw, v, err)
		}
	}
}

func TestAnEmptyPodIsTheAPIServersToRefuse(t *testing.T) {
	for _, raw := range []string{"{}", `{"metadata": {"annotations": null}, "spec": {"containers": null}}`} {
		v, err := newAdmitter(t).Create([]byte(raw), nil)
		if err != nil || v.Refused != "" || len(v.Patch) > 0 || len(v.Warnings) > 0 {
			t.Errorf("%s: %+v, %v", raw, v, err)
		}
	}
}

// podWith has one container for each of the values, with a postStart whose
// command has that many bytes.
func podWith(sizes ...int) []byte {
	type object = map[string]any
	var list []object
	for i, size := range sizes {
		list = append(list, object{
			"name":      string(rune('a' + i)),
			"lifecycle": object{"postStart": object{"exec": object{"command": []string{strings.Repeat("x", size)}}}},
		})
	}
	raw, _ := json.Marshal(object{"spec": object{"runtimeClassName": "bookend", "containers": list}})
	return raw
}

func TestALifecycleThatIsTooLongStays(t *testing.T) {
	v, err := newAdmitter(t).Create(podWith(100, 65<<10, 200), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.golden(t); strings.Contains(got, "/spec/containers/1/") || !strings.Contains(got, "remove /spec/containers/2/lifecycle") {
		t.Errorf("moved the wrong ones:\n%.300s", got)
	}
	if len(v.Warnings) != 1 || !strings.HasPrefix(v.Warnings[0], "spec.containers[1].lifecycle: must be at most 65536 bytes") {
		t.Errorf("warned of %q", v.Warnings)
	}
}

func TestAnnotationsStayBelowTheAPIServersLimit(t *testing.T) {
	raw := podWith(63<<10, 63<<10, 63<<10, 63<<10, 63<<10, 100)
	v, err := newAdmitter(t).Create(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Warnings) != 1 || !strings.HasPrefix(v.Warnings[0], "spec.containers[4].lifecycle: does not fit") {
		t.Errorf("warned of %.300q", v.Warnings)
	}
	p, err := readPod(v.apply(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for key, value := range p.Metadata.Annotations {
		total += len(key) + len(value)
	}
	if total > 256<<10 || len(p.Metadata.Annotations) != 5 {
		t.Errorf("%d annotations of %d bytes", len(p.Metadata.Annotations), total)
	}
}

// Where the annotations have no room for it, the node's default is not switched off.
func TestThereIsAWarningOfADefaultThatRunsAsWell(t *testing.T) {
	raw := []byte(`{"metadata":{"annotations":{"a":"` + strings.Repeat("x", maxAnnotations-10) + `"}},"spec":{"runtimeClassName":"bookend","containers":[
		{"name":"web","lifecycle":{"preStop":{"tcpSocket":{"port":80}}}},{"name":"log","lifecycle":{"postStart":{"tcpSocket":{"port":80}}}}]}}`)
	v, err := newAdmitter(t).Create(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Warnings) != 3 || !strings.Contains(v.Warnings[1], "containers[0].lifecycle.preStop: the annotation lifecycle.bookend.dev/web cannot say so") {
		t.Errorf("warned of %q", v.Warnings)
	}
}

func TestOptionsNameClasses(t *testing.T) {
	if _, err := New(Options{Classes: []string{"bookend", "Not a class"}}); !errors.Is(err, ErrOptions) {
		t.Errorf("got %v", err)
	}
	a, err := New(Options{})
	if err != nil || !a.runs(DefaultClass) || a.runs("") {
		t.Errorf("the default classes are %v, %v", a.classes, err)
	}
}

// A default of the nodes is not the author's: Pod Security has nothing to say of it.
func TestTheNodesPolicyDecides(t *testing.T) {
	config, err := hooks.ParseConfig([]byte(`
[defaults.preStop.httpGet]
host = "10.0.0.9"
port = 80
[policy]
allowHosts = ["10.0.0.0/8"]
allowHandlers = ["httpGet"]
`), "config.toml")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	baseline := map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}
	for _, c := range []struct {
		name, hook string
		namespace  map[string]string
		moved      bool
		refused    string
	}{
		{"a host that the policy allows", `{"httpGet": {"host": "10.0.0.1", "port": 80}}`, nil, true, ""},
		{"one that it does not allow", `{"httpGet": {"host": "11.0.0.1", "port": 80}}`, nil, false, ""},
		{"a handler that it does not allow", `{"sleep": {"seconds": 1}}`, nil, false, ""},
		{"one that Pod Security forbids", `{"httpGet": {"host": "10.0.0.1", "port": 80}}`, baseline, false, "violates PodSecurity"},
		{"none but the nodes' default", `{"httpGet": {"port": 80}}`, baseline, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := a.Create([]byte(`{"spec": {"runtimeClassName": "bookend", "containers": [{"name": "web", "lifecycle": {"postStart": `+c.hook+`}}]}}`), c.namespace)
			if err != nil {
				t.Fatal(err)
			}
			if moved := len(v.Patch) > 0; moved != c.moved || !strings.Contains(v.Refused, c.refused) || c.refused == "" && v.Refused != "" {
				t.Errorf("moved %t, refused %q, warnings %q", moved, v.Refused, v.Warnings)
			}
		})
	}
}
