package hooks

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moby/sys/signal"
	"go.yaml.in/yaml/v4"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// handled lists every field of Kubernetes' Lifecycle object, by type. A field
// that Kubernetes adds, renames or retypes fails the test below until it is
// read, or refused on purpose.
var handled = map[reflect.Type]map[string]string{
	reflect.TypeFor[corev1.Lifecycle](): {
		"postStart": "*v1.LifecycleHandler", "preStop": "*v1.LifecycleHandler", "stopSignal": "*v1.Signal",
	},
	reflect.TypeFor[corev1.LifecycleHandler](): {
		"exec": "*v1.ExecAction", "httpGet": "*v1.HTTPGetAction", "sleep": "*v1.SleepAction",
		"tcpSocket": "*v1.TCPSocketAction", // refused, Kubernetes does not carry it out
	},
	reflect.TypeFor[corev1.ExecAction](): {"command": "[]string"},
	reflect.TypeFor[corev1.HTTPGetAction](): {
		"path": "string", "port": "intstr.IntOrString", "host": "string", "scheme": "v1.URIScheme", "httpHeaders": "[]v1.HTTPHeader",
		"protocol": "*v1.HTTPProtocol", // HTTP2 refused, Kubernetes uses it for probes only
	},
	reflect.TypeFor[corev1.HTTPHeader]():  {"name": "string", "value": "string"},
	reflect.TypeFor[corev1.SleepAction](): {"seconds": "int64"},
	reflect.TypeFor[corev1.EnvVar](): {
		"name": "string", "value": "string",
		"valueFrom": "*v1.EnvVarSource", // refused: it needs the API server
	},
}

func TestEveryFieldOfKubernetesIsHandled(t *testing.T) {
	for typ, want := range handled {
		got := map[string]string{}
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			got[name] = f.Type.String()
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has the fields\n%v, handled are\n%v", typ, got, want)
		}
	}
}

// TestEveryFieldOfKubernetesIsKnown keeps the list above honest: the grammar
// itself must know each field that it calls handled.
func TestEveryFieldOfKubernetesIsKnown(t *testing.T) {
	at := map[reflect.Type]string{
		reflect.TypeFor[corev1.Lifecycle]():        `%`,
		reflect.TypeFor[corev1.LifecycleHandler](): `{"preStop": %}`,
		reflect.TypeFor[corev1.ExecAction]():       `{"preStop": {"exec": %}}`,
		reflect.TypeFor[corev1.HTTPGetAction]():    `{"preStop": {"httpGet": %}}`,
		reflect.TypeFor[corev1.HTTPHeader]():       `{"preStop": {"httpGet": {"port": 80, "httpHeaders": [%]}}}`,
		reflect.TypeFor[corev1.SleepAction]():      `{"preStop": {"sleep": %}}`,
		reflect.TypeFor[corev1.EnvVar]():           `{"preStop": {"exec": {"command": ["a"], "env": [%]}}}`,
	}
	for typ, fields := range handled {
		for name := range fields {
			text := strings.Replace(at[typ], "%", `{"`+name+`": null}`, 1)
			_, err := Resolve(map[string]string{AnnotationKey: text}, noConfig)
			unknown := err != nil && strings.Contains(err.Error(), "unknown field")
			if refused := name == "valueFrom"; unknown != refused {
				t.Errorf("%s of %s: %v", name, typ, err)
			}
		}
	}
}

// kubernetesSignals are the constants of corev1.Signal.
var kubernetesSignals = []corev1.Signal{
	corev1.SIGABRT, corev1.SIGALRM, corev1.SIGBUS, corev1.SIGCHLD, corev1.SIGCLD, corev1.SIGCONT, corev1.SIGFPE,
	corev1.SIGHUP, corev1.SIGILL, corev1.SIGINT, corev1.SIGIO, corev1.SIGIOT, corev1.SIGKILL, corev1.SIGPIPE,
	corev1.SIGPOLL, corev1.SIGPROF, corev1.SIGPWR, corev1.SIGQUIT, corev1.SIGSEGV, corev1.SIGSTKFLT, corev1.SIGSTOP,
	corev1.SIGSYS, corev1.SIGTERM, corev1.SIGTRAP, corev1.SIGTSTP, corev1.SIGTTIN, corev1.SIGTTOU, corev1.SIGURG,
	corev1.SIGUSR1, corev1.SIGUSR2, corev1.SIGVTALRM, corev1.SIGWINCH, corev1.SIGXCPU, corev1.SIGXFSZ, corev1.SIGRTMIN,
	corev1.SIGRTMINPLUS1, corev1.SIGRTMINPLUS2, corev1.SIGRTMINPLUS3, corev1.SIGRTMINPLUS4, corev1.SIGRTMINPLUS5, corev1.SIGRTMINPLUS6, corev1.SIGRTMINPLUS7,
	corev1.SIGRTMINPLUS8, corev1.SIGRTMINPLUS9, corev1.SIGRTMINPLUS10, corev1.SIGRTMINPLUS11, corev1.SIGRTMINPLUS12, corev1.SIGRTMINPLUS13, corev1.SIGRTMINPLUS14,
	corev1.SIGRTMINPLUS15, corev1.SIGRTMAXMINUS14, corev1.SIGRTMAXMINUS13, corev1.SIGRTMAXMINUS12, corev1.SIGRTMAXMINUS11, corev1.SIGRTMAXMINUS10, corev1.SIGRTMAXMINUS9,
	corev1.SIGRTMAXMINUS8, corev1.SIGRTMAXMINUS7, corev1.SIGRTMAXMINUS6, corev1.SIGRTMAXMINUS5, corev1.SIGRTMAXMINUS4, corev1.SIGRTMAXMINUS3, corev1.SIGRTMAXMINUS2,
	corev1.SIGRTMAXMINUS1, corev1.SIGRTMAX,
}

func TestSignalsAreThoseOfKubernetes(t *testing.T) {
	accepted := map[corev1.Signal]bool{}
	for name := range signal.SignalMap {
		text := "SIG" + name
		if l, err := Resolve(map[string]string{AnnotationKey: "stopSignal: " + text}, noConfig); err == nil && l.StopSignal != 0 {
			accepted[corev1.Signal(text)] = true
		}
	}
	want := map[corev1.Signal]bool{}
	for _, s := range kubernetesSignals {
		want[s] = true
	}
	if !reflect.DeepEqual(accepted, want) {
		t.Errorf("accepted are\n%v, Kubernetes has\n%v", accepted, want)
	}
}

// The names and numbers are written out, as they are Linux' on every system.
func TestSignalsAreThoseOfLinux(t *testing.T) {
	if !maps.Equal(linuxSignals, signal.SignalMap) {
		t.Errorf("got\n%v, Linux has\n%v", linuxSignals, signal.SignalMap)
	}
}

// pick is a seeded source of choices, so that a failure can be repeated.
type pick struct{ *rand.Rand }

func choose[T any](p pick, from ...T) T { return from[p.IntN(len(from))] }

// lifecycle makes an object that the API server accepts and a kubelet can
// carry out.
func (p pick) lifecycle() *corev1.Lifecycle {
	l := &corev1.Lifecycle{}
	if p.IntN(4) > 0 {
		l.PostStart = p.handler()
	}
	if p.IntN(4) > 0 {
		l.PreStop = p.handler()
	}
	if p.IntN(2) > 0 {
		l.StopSignal = new(choose(p, kubernetesSignals...))
	}
	return l
}

func (p pick) handler() *corev1.LifecycleHandler {
	switch p.IntN(3) {
	case 0:
		h := &corev1.ExecAction{Command: []string{choose(p, "sh", "/bin/true", "ü")}}
		for range p.IntN(4) {
			h.Command = append(h.Command, p.word())
		}
		return &corev1.LifecycleHandler{Exec: h}
	case 1:
		return &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: choose(p, 0, 1, 30, p.Int64())}}
	}
	h := &corev1.HTTPGetAction{
		Path:   choose(p, "", "/", "stop", "/a b?c=d&e", "/a%2Fb"),
		Port:   choose(p, intstr.FromInt32(1+p.Int32N(65535)), intstr.FromString("web"), intstr.FromString("a-1")),
		Host:   choose(p, "", "127.0.0.1", "10.1.1.1", "peer.example", "::1"),
		Scheme: choose(p, "", corev1.URISchemeHTTP, corev1.URISchemeHTTPS),
	}
	if p.IntN(4) == 0 {
		h.Protocol = new(corev1.HTTPProtocolHTTP1)
	}
	for range p.IntN(4) {
		h.HTTPHeaders = append(h.HTTPHeaders, corev1.HTTPHeader{
			Name: choose(p, "Host", "User-Agent", "accept", "X-a", "Authorization"), Value: choose(p, "", "a", "Basic YTpi", "ü", "a\tb"),
		})
	}
	return &corev1.LifecycleHandler{HTTPGet: h}
}

// word is an argument with whatever could go wrong between YAML and JSON.
func (p pick) word() string {
	return choose(p, "", "-c", "yes", "5", "null", "~", "a: b", "- a", "#", "&a", "*a", "!x", "'", `"`, "\\", "a\nb\n", "\t", " x ", "😀",
		"<<", "0x1f", "2001-01-01", "%", "@", "`", "{}", "[]", "|", ">", "\u2028", "\u0085", "\x7f", "1e3", ".inf", "010", "=", "-", "+", "_")
}

// meaning is what a kubelet takes a handler for.
func meaning(h *corev1.LifecycleHandler, point Point, timeout time.Duration) *Hook {
	if h == nil {
		return nil
	}
	want := &Hook{Point: point, Timeout: timeout, FailurePolicy: Kill, Output: OutputRecords}
	switch {
	case h.Exec != nil:
		want.Exec = &Exec{Command: h.Exec.Command}
	case h.Sleep != nil:
		want.Sleep = &Sleep{Duration: min(time.Duration(min(h.Sleep.Seconds, 1<<33))*time.Second, longest)}
	case h.HTTPGet != nil:
		g := &HTTPGet{Host: h.HTTPGet.Host, Port: h.HTTPGet.Port.IntValue()}
		if h.HTTPGet.Port.Type == intstr.String {
			g.Port = map[string]int{"web": 8080, "a-1": 9}[h.HTTPGet.Port.StrVal]
		}
		g.Path = map[string]string{"": "/", "/": "/", "stop": "/stop", "/a b?c=d&e": "/a%20b?c=d&e", "/a%2Fb": "/a%2Fb"}[h.HTTPGet.Path]
		if g.Scheme = "http"; h.HTTPGet.Scheme == corev1.URISchemeHTTPS {
			g.Scheme = "https"
		}
		for _, header := range h.HTTPGet.HTTPHeaders {
			if g.Header == nil {
				g.Header = http.Header{}
			}
			g.Header.Add(header.Name, header.Value)
		}
		want.HTTPGet = g
	}
	return want
}

func TestWhatKubernetesAcceptsMeansTheSameHere(t *testing.T) {
	for seed := range uint64(3000) {
		object := pick{rand.New(rand.NewPCG(seed, 0))}.lifecycle()
		asJSON, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, asJSON, "", "\t"); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(asJSON), indented.String(), string(asYAML(t, object))} {
			l, err := Resolve(map[string]string{
				AnnotationKey:   text,
				AnnotationPorts: `[{"name":"web","containerPort":8080,"protocol":"TCP"},{"name":"a-1","containerPort":9,"protocol":"UDP"}]`,
			}, openConfig)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, text)
			}
			if l == nil {
				l = &Lifecycle{}
			}
			for _, pair := range [][2]*Hook{
				{l.PostStart, meaning(object.PostStart, PostStart, defaultPostStartTimeout)},
				{l.PreStop, meaning(object.PreStop, PreStop, 0)},
			} {
				if !reflect.DeepEqual(pair[0], pair[1]) {
					t.Fatalf("seed %d: got %s, want %s\n%s", seed, show(pair[0]), show(pair[1]), text)
				}
			}
			if (object.StopSignal != nil) != (l.StopSignal != 0) {
				t.Fatalf("seed %d: stop signal %v\n%s", seed, l.StopSignal, text)
			}
		}
	}
}

func show(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// asYAML writes the object as a manifest has it. Numbers go through JSON's, so
// that none becomes a float on the way.
func asYAML(t *testing.T, object *corev1.Lifecycle) []byte {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(integers(tree))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func integers(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return n
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = integers(v[k])
		}
	}
	return v
}
