package hooks

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// accepted are hooks as authors write them and what they mean, as preStop.
var accepted = []struct {
	name, text string
	want       Hook
}{
	{"exec", `exec: {command: [sh, -c, "nginx -s quit"]}`, Hook{Exec: &Exec{Command: []string{"sh", "-c", "nginx -s quit"}}}},
	{"exec, everything", `
      exec:
        command: [/bin/drain, ""]
        user: "1000:1000"
        env:
        - name: GRACE
          value: "30"
        - {name: EMPTY}
        - {name: a.b-c d}
        workingDir: /srv
        timeoutSeconds: 20`,
		Hook{Timeout: 20 * time.Second, Exec: &Exec{
			Command: []string{"/bin/drain", ""}, User: "1000:1000", WorkingDir: "/srv",
			Env: []EnvVar{{"GRACE", "30"}, {"EMPTY", ""}, {"a.b-c d", ""}},
		}}},
	{"exec, other handlers null", `{exec: {command: [a]}, httpGet: null, sleep: ~, tcpSocket:}`, Hook{Exec: &Exec{Command: []string{"a"}}}},
	{"exec, optional fields null", `{exec: {command: [a], user: null, env: null, workingDir: null, timeoutSeconds: null}, timeoutSeconds: null, retries: null}`, Hook{Exec: &Exec{Command: []string{"a"}}}},
	{"exec, timeout beside a null one", `{exec: {command: [a], timeoutSeconds: null}, timeoutSeconds: 3}`, Hook{Timeout: 3 * time.Second, Exec: &Exec{Command: []string{"a"}}}},
	{"a timestamp is a string", `{exec: {command: [2001-01-01]}}`, Hook{Exec: &Exec{Command: []string{"2001-01-01"}}}},
	{"quoted and tagged scalars are strings", `{exec: {command: ["yes", 'null', !!str 5, ! 6, ! on]}}`, Hook{Exec: &Exec{Command: []string{"yes", "null", "5", "6", "on"}}}},
	{"a block scalar", "exec:\n  command:\n  - sh\n  - -c\n  - |\n    a\n    b\n", Hook{Exec: &Exec{Command: []string{"sh", "-c", "a\nb\n"}}}},
	{"user by name", `exec: {command: [a], user: "www-data:adm"}`, Hook{Exec: &Exec{Command: []string{"a"}, User: "www-data:adm"}}},

	{"httpGet", `httpGet: {port: 80}`, get(HTTPGet{Port: 80})},
	{"httpGet, everything", `
      httpGet:
        port: http
        host: 127.0.0.1
        path: /stop?now=1
        scheme: HTTPS
        protocol: HTTP1
        httpHeaders:
        - {name: x-a, value: "1"}
        - {name: X-A, value: "2"}
        - {name: User-Agent, value: ""}
        - {name: Accept}
        - {name: Host, value: shop.example}
        expectStatus: 200-299, 304`,
		get(HTTPGet{Host: "127.0.0.1", Port: 8080, Path: "/stop?now=1", Scheme: "https",
			Header:       http.Header{"X-A": {"1", "2"}, "User-Agent": {""}, "Accept": {""}, "Host": {"shop.example"}},
			ExpectStatus: []StatusRange{{200, 299}, {304, 304}}})},
	{"httpGet, empty strings are defaults", `httpGet: {port: 80, host: "", path: "", scheme: ""}`, get(HTTPGet{Port: 80})},
	{"httpGet, nulls are defaults", `httpGet: {port: 80, host: null, path: null, scheme: null, protocol: null, httpHeaders: null, expectStatus: null}`, get(HTTPGet{Port: 80})},
	{"httpGet, no headers", `httpGet: {port: 80, httpHeaders: []}`, get(HTTPGet{Port: 80, Header: http.Header{}})},
	{"port in another base", `httpGet: {port: 0x50}`, get(HTTPGet{Port: 80})},
	{"port, highest", `httpGet: {port: 65_535}`, get(HTTPGet{Port: 65535})},
	{"host localhost", `httpGet: {port: 80, host: LOCALHOST}`, get(HTTPGet{Port: 80, Host: "LOCALHOST"})},
	{"host localhost with a dot", `httpGet: {port: 80, host: localhost.}`, get(HTTPGet{Port: 80, Host: "localhost."})},
	{"host ::1", `httpGet: {port: 80, host: "::1"}`, get(HTTPGet{Port: 80, Host: "::1"})},
	{"host, loopback mapped", `httpGet: {port: 80, host: "::ffff:127.9.9.9"}`, get(HTTPGet{Port: 80, Host: "::ffff:127.9.9.9"})},
	{"host by policy, address", `httpGet: {port: 80, host: 10.2.3.4}`, get(HTTPGet{Port: 80, Host: "10.2.3.4"})},
	{"host by policy, name", `httpGet: {port: 80, host: Peer.example}`, get(HTTPGet{Port: 80, Host: "Peer.example"})},
	{"path without slash", `httpGet: {port: 80, path: stop}`, get(HTTPGet{Port: 80, Path: "/stop"})},
	{"path, query only", `httpGet: {port: 80, path: "?a=b c"}`, get(HTTPGet{Port: 80, Path: "/?a=b%20c"})},
	{"path, blanks and other alphabets", `httpGet: {port: 80, path: "/a b/ü"}`, get(HTTPGet{Port: 80, Path: "/a%20b/%C3%BC"})},
	{"path, escapes kept", `httpGet: {port: 80, path: "/a%2Fb"}`, get(HTTPGet{Port: 80, Path: "/a%2Fb"})},
	{"path, broken escape taken literally", `httpGet: {port: 80, path: "/%zz?x"}`, get(HTTPGet{Port: 80, Path: "/%25zz%3Fx"})},
	{"path, line break taken literally", `httpGet: {port: 80, path: "/a\r\nX: y"}`, get(HTTPGet{Port: 80, Path: "/a%0D%0AX:%20y"})},
	{"path, fragment dropped", `httpGet: {port: 80, path: "/a#b"}`, get(HTTPGet{Port: 80, Path: "/a"})},
	{"path, host counts for nothing", `httpGet: {port: 80, path: "//elsewhere/a"}`, get(HTTPGet{Port: 80, Path: "/a"})},
	{"path, URL counts for its path", `httpGet: {port: 80, path: "http://elsewhere/a?b"}`, get(HTTPGet{Port: 80, Path: "/a?b"})},
	{"path, empty query kept", `httpGet: {port: 80, path: "/a?"}`, get(HTTPGet{Port: 80, Path: "/a?"})},
	{"status as a number", `httpGet: {port: 80, expectStatus: 204}`, get(HTTPGet{Port: 80, ExpectStatus: []StatusRange{{204, 204}}})},
	{"status as a list", `httpGet: {port: 80, expectStatus: "200,204"}`, get(HTTPGet{Port: 80, ExpectStatus: []StatusRange{{200, 200}, {204, 204}}})},

	{"sleep", `sleep: {seconds: 5}`, Hook{Sleep: &Sleep{5 * time.Second}}},
	{"sleep 0", `sleep: {seconds: 0}`, Hook{Sleep: &Sleep{}}},
	{"sleep -0", `sleep: {seconds: -0}`, Hook{Sleep: &Sleep{}}},
	{"sleep without seconds", `sleep: {}`, Hook{Sleep: &Sleep{}}},
	{"sleep for ever", `sleep: {seconds: 9223372036854775807}`, Hook{Sleep: &Sleep{longest}}},
	{"timeout and retries", `{sleep: {seconds: 5}, timeoutSeconds: 7, retries: 1000}`, Hook{Sleep: &Sleep{5 * time.Second}, Timeout: 7 * time.Second, Retries: 1000}},
	{"JSON", `{"exec": {"command": ["a", "\ud83d\ude00", "\/"]}, "retries": 1}`, Hook{Exec: &Exec{Command: []string{"a", "😀", "/"}}, Retries: 1}},
	{"JSON with tabs", "{\n\t\"sleep\": {\n\t\t\"seconds\": 5\n\t}\n}", Hook{Sleep: &Sleep{5 * time.Second}}},
}

// get is a hook with an httpGet and the defaults of its path and scheme.
func get(h HTTPGet) Hook {
	if h.Path == "" {
		h.Path = "/"
	}
	if h.Scheme == "" {
		h.Scheme = "http"
	}
	return Hook{HTTPGet: &h}
}

// openConfig allows what the accepted hooks ask for.
func openConfig() (*Config, error) {
	c := DefaultConfig()
	c.Policy.AllowUser, c.Policy.AllowHosts = true, []string{"10.0.0.0/8", "peer.example"}
	return c, nil
}

// document puts a hook's text, JSON or YAML, under the name of its point.
func document(point Point, text string) string {
	if strings.HasPrefix(text, `{"`) || strings.HasPrefix(text, "{\n") {
		return `{"` + string(point) + `": ` + text + `}`
	}
	if strings.HasPrefix(text, "{") {
		return string(point) + ": " + text
	}
	return string(point) + ":\n  " + strings.ReplaceAll(strings.TrimLeft(text, "\n"), "\n", "\n  ")
}

func TestParseAccepts(t *testing.T) {
	for _, c := range accepted {
		for _, point := range []Point{PostStart, PreStop} {
			t.Run(c.name+" as "+string(point), func(t *testing.T) {
				text := c.text
				if strings.HasPrefix(text, "\n      ") { // written to read well above
					text = strings.ReplaceAll(text, "\n      ", "\n")
				}
				l, err := Resolve(map[string]string{
					AnnotationKey:   document(point, text),
					AnnotationPorts: `[{"name":"web","containerPort":80},{"name":"http","containerPort":8080,"protocol":"TCP","hostPort":1}]`,
				}, openConfig)
				if err != nil {
					t.Fatal(err)
				}
				want := c.want
				want.Point, want.FailurePolicy, want.Output = point, Kill, OutputRecords
				got := l.PreStop
				if point == PostStart {
					got = l.PostStart
					if want.Timeout == 0 {
						want.Timeout = defaultPostStartTimeout
					}
				}
				if !reflect.DeepEqual(got, &want) {
					t.Errorf("got %+v %+v %+v %+v\nwant %+v %+v %+v %+v", got, got.Exec, got.HTTPGet, got.Sleep, want, want.Exec, want.HTTPGet, want.Sleep)
				}
			})
		}
	}
}

func TestParseOutput(t *testing.T) {
	for text, want := range map[string]Output{"records": OutputRecords, "container": OutputContainer, "null": OutputRecords} {
		for _, point := range []Point{PostStart, PreStop} {
			for _, handler := range []string{"exec: {command: [a]}", "httpGet: {port: 80}", "sleep: {}"} {
				l, err := Resolve(map[string]string{AnnotationKey: string(point) + ": {" + handler + ", output: " + text + "}"}, noConfig)
				if err != nil {
					t.Errorf("%s %s: %v", point, text, err)
					continue
				}
				for _, h := range []*Hook{l.PostStart, l.PreStop} {
					if h != nil && h.Output != want {
						t.Errorf("%s %s: got %q", point, text, h.Output)
					}
				}
			}
		}
	}
}

func TestParseFailurePolicy(t *testing.T) {
	for text, want := range map[string]FailurePolicy{"Kill": Kill, "Ignore": Ignore, "null": Kill} {
		l, err := Resolve(map[string]string{AnnotationKey: `postStart: {sleep: {}, failurePolicy: ` + text + `}`}, noConfig)
		if err != nil || l.PostStart.FailurePolicy != want {
			t.Errorf("%s: got %+v, %v", text, l, err)
		}
	}
}

func TestParsePostStartTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`sleep: {}`:                                     100 * time.Second,
		`sleep: {}, timeoutSeconds: 0`:                  0,
		`sleep: {}, timeoutSeconds: 1000000000000000`:   longest,
		`exec: {command: [a], timeoutSeconds: 0}`:       0,
		`exec: {command: [a]}, timeoutSeconds: 3`:       3 * time.Second,
		`exec: {command: [a], timeoutSeconds: null}`:    100 * time.Second,
		`httpGet: {port: 1}, timeoutSeconds: null`:      100 * time.Second,
		`exec: {command: [a], timeoutSeconds: 0x10}`:    16 * time.Second,
		`httpGet: {port: 1}, timeoutSeconds: 010`:       8 * time.Second,
		`"sleep": {"seconds": 1}, "timeoutSeconds": 12`: 12 * time.Second,
	} {
		l, err := Resolve(map[string]string{AnnotationKey: `{postStart: {` + text + `}}`}, noConfig)
		if err != nil || l.PostStart.Timeout != want {
			t.Errorf("%s: got %+v, %v", text, l, err)
		}
	}
}
