package hooks

import (
	"strings"
	"testing"
)

// rejected are annotations and the whole error each of them gets, without its
// source. A test in CI reads better as a table of sentences than as code.
var rejected = []struct{ text, want string }{
	// The document.
	{"", `must be a Kubernetes Lifecycle object, got an empty value`},
	{" \n\t", `must be a Kubernetes Lifecycle object, got an empty value`},
	{"# nothing\n", `must be a Kubernetes Lifecycle object, got an empty document`},
	{"null", `must be a mapping, got null`},
	{"---\n", `must be a mapping, got null`},
	{"5", `must be a mapping, got an integer`},
	{"yes", `must be a mapping, got a boolean`},
	{"[]", `must be a mapping, got a list`},
	{"- preStop", `must be a mapping, got a list`},
	{"{}\n---\n{}", `must be a single YAML document, got more`},
	{"preStop: null\n---\n", `must be a single YAML document, got more`},
	{"{}\n--- {", `is not valid YAML: line 3, column 1: did not find expected node content`},
	{"{} {}", `is not valid YAML: line 1, column 4: did not find expected <document start>`},
	{`{"preStop": null,}{`, `is not valid YAML: line 1, column 19: did not find expected <document start>`},
	{"preStop: 'x", `is not valid YAML: line 1, column 12: found unexpected end of stream`},
	{"preStop:\n\tsleep: {}", `is not valid YAML: line 2, column 1: found character that cannot start any token`},
	{"preStop: \x00", `is not valid YAML: control characters are not allowed (value: 0)`},
	{"preStop: \xff\xfe", `must be valid UTF-8`},
	{"\xff\xfe{\x00}\x00", `must be valid UTF-8`},
	{"#" + strings.Repeat("x", maxSize), `must be at most 65536 bytes, got 65537`},
	{strings.Repeat("[", maxSize), `is not valid YAML: line 1, column 10001: exceeded max depth of 10000`},
	{strings.Repeat("[", 20) + strings.Repeat("]", 20), strings.Repeat("[0]", 17) + `: must not nest deeper than 16 levels`},
	{strings.Repeat("- ", 20) + "a", strings.Repeat("[0]", 17) + `: must not nest deeper than 16 levels`},
	{strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), strings.Repeat("a.", 16) + `a: must not nest deeper than 16 levels`},

	// What YAML can say and JSON cannot.
	{"preStop: &a {sleep: {seconds: 5}}\npostStart: *a", `preStop: must not carry a YAML anchor`},
	{"&a {}", `must not carry a YAML anchor`},
	{"&a preStop: {}", `preStop: must not carry a YAML anchor`},
	{"preStop: *a", `is not valid YAML: line 1, column 10: is an alias of nothing: put text that begins with * in quotes`},
	{"preStop: {exec: {command: [x], env: [{name: TOKEN, value: *s3cret}]}}", `is not valid YAML: line 1, column 59: is an alias of nothing: put text that begins with * in quotes`},
	{"preStop: {<<: {sleep: {}}}", `preStop: must not use the YAML merge key <<`},
	{`preStop: {"<<": {sleep: {}}}`, `preStop["<<"]: unknown field, expected one of exec, httpGet, sleep, tcpSocket, timeoutSeconds, retries, output`},
	{"preStop: !sleep {}", `preStop: must not carry a YAML tag: put text that begins with ! in quotes`},
	{"preStop: {sleep: {seconds: !!int \"5\"}}", `preStop.sleep.seconds: must not carry a YAML tag: put text that begins with ! in quotes`},
	{"preStop: {exec: {command: [!!binary aGk=]}}", `preStop.exec.command[0]: must not carry a YAML tag: put text that begins with ! in quotes`},
	{"preStop: {httpGet: {port: 80, httpHeaders: [{name: Authorization, value: !s3cret}]}}", `preStop.httpGet.httpHeaders[0].value: must not carry a YAML tag: put text that begins with ! in quotes`},
	{"? {a: b}\n: c", `must have strings as keys`},
	{"? [a]\n: c", `must have strings as keys`},
	{"5: c", `5: must have a string as its key, got an integer`},
	{"null: c", `null: must have a string as its key, got null`},
	{"on: c", `on: must have a string as its key, got a boolean`},

	// Fields.
	{"preStart: {}", `preStart: unknown field, expected one of postStart, preStop, stopSignal, stopSignals, terminationGracePeriodSeconds`},
	{"prestop: {}", `prestop: unknown field, expected one of postStart, preStop, stopSignal, stopSignals, terminationGracePeriodSeconds`},
	{"lifecycle: {preStop: {}}", `lifecycle: unknown field, expected one of postStart, preStop, stopSignal, stopSignals, terminationGracePeriodSeconds`},
	{"{\"a b\\nc\": 1}", `["a b\nc"]: unknown field, expected one of postStart, preStop, stopSignal, stopSignals, terminationGracePeriodSeconds`},
	{strings.Repeat("a", 100) + ": 1", `["` + strings.Repeat("a", 64) + `"… (100 bytes)]: unknown field, expected one of postStart, preStop, stopSignal, stopSignals, terminationGracePeriodSeconds`},
	{strings.Repeat(`{"`+strings.Repeat("\U0001F600", 16)+`":`, 20) + "1" + strings.Repeat("}", 20), strings.Repeat(`["`+strings.Repeat(`\U0001f600`, 16)+`"]`, 4)[:512] + `…: must not nest deeper than 16 levels`},
	{"preStop: {sleep: {seconds: 1}}\npreStop: null", `preStop: duplicate key "preStop"`},
	{`{"preStop": null, "preStop": null}`, `preStop: duplicate key "preStop"`},
	{`{"preStop": null, "pre\u0053top": null}`, `preStop: duplicate key "preStop"`},
	{"preStop: {sleep: {seconds: 1, \"seconds\": 1}}", `preStop.sleep.seconds: duplicate key "seconds"`},
	{"preStop: {sleep: {}, output: log}", `preStop.output: must be records or container, got "log"`},
	{"preStop: {sleep: {}, output: true}", `preStop.output: must be records or container, got a boolean`},
	{"output: container\npreStop: {sleep: {}}", `output: unknown field, expected one of postStart, preStop, stopSignal, stopSignals, terminationGracePeriodSeconds`},
	{"preStop: {sleep: {}, failurePolicy: Ignore}", `preStop.failurePolicy: unknown field, expected one of exec, httpGet, sleep, tcpSocket, timeoutSeconds, retries, output`},
	{"postStart: {sleep: {}, x: 1}", `postStart.x: unknown field, expected one of exec, httpGet, sleep, tcpSocket, timeoutSeconds, retries, output, failurePolicy`},

	// Handlers.
	{"preStop: {}", `preStop: must have a handler: exec, httpGet or sleep`},
	{"preStop: {sleep:, timeoutSeconds: 5}", `preStop: must have a handler: exec, httpGet or sleep`},
	{"preStop: []", `preStop: must be a mapping, got a list`},
	{"preStop: sleep 5", `preStop: must be a mapping, got a string`},
	{"preStop: {exec: {command: [a]}, sleep: {seconds: 1}}", `preStop: must have a single handler, got exec and sleep`},
	{"postStart: {exec: {}, httpGet: {}, sleep: {}, tcpSocket: {}}", `postStart: must have a single handler, got exec and httpGet and sleep and tcpSocket`},
	{"postStart: {tcpSocket: {port: 80}}", `postStart.tcpSocket: is not supported: Kubernetes accepts it here but has never carried it out; use exec, httpGet or sleep`},

	// Numbers.
	{"preStop: {sleep: {seconds: -3}}", `preStop.sleep.seconds: must be >= 0, got -3`},
	{`{"preStop": {"sleep": {"seconds": -3}}}`, `preStop.sleep.seconds: must be >= 0, got -3`},
	{"preStop: {sleep: {seconds: 9223372036854775808}}", `preStop.sleep.seconds: must be <= 9223372036854775807, got 9223372036854775808`},
	{"preStop: {sleep: {seconds: -" + strings.Repeat("9", 100) + "}}", `preStop.sleep.seconds: must be >= 0, got -` + strings.Repeat("9", 63) + `…`},
	{"preStop: {sleep: {seconds: " + strings.Repeat("9", 1000) + "}}", `preStop.sleep.seconds: must be <= 9223372036854775807, got ` + strings.Repeat("9", 64) + `…`},
	{"preStop: {sleep: {seconds: -+1}}", `preStop.sleep.seconds: must be an integer, got a string`},
	{"preStop: {sleep: {seconds: 5.0}}", `preStop.sleep.seconds: must be an integer, got a fractional number`},
	{`{"preStop": {"sleep": {"seconds": 5e0}}}`, `preStop.sleep.seconds: must be an integer, got a fractional number`},
	{"preStop: {sleep: {seconds: .inf}}", `preStop.sleep.seconds: must be an integer, got a fractional number`},
	{"preStop: {sleep: {seconds: 08}}", `preStop.sleep.seconds: must be an integer, got "08"`},
	{"preStop: {sleep: {seconds: '5'}}", `preStop.sleep.seconds: must be an integer, got a string`},
	{"preStop: {sleep: {seconds: 5s}}", `preStop.sleep.seconds: must be an integer, got a string`},
	{"preStop: {sleep: {seconds: true}}", `preStop.sleep.seconds: must be an integer, got a boolean`},
	{"preStop: {sleep: {second: 5}}", `preStop.sleep.second: unknown field, expected seconds`},
	{"preStop: {sleep: 5}", `preStop.sleep: must be a mapping, got an integer`},
	{"preStop: {sleep: {}, timeoutSeconds: -1}", `preStop.timeoutSeconds: must be >= 0, got -1`},
	{"preStop: {sleep: {}, timeoutSeconds: 1m}", `preStop.timeoutSeconds: must be an integer, got a string`},
	{"preStop: {sleep: {}, retries: -1}", `preStop.retries: must be between 0 and 1000, got -1`},
	{"preStop: {sleep: {}, retries: 1001}", `preStop.retries: must be between 0 and 1000, got 1001`},
	{"preStop: {sleep: {}, retries: 99999999999999999999}", `preStop.retries: must be between 0 and 1000, got 99999999999999999999`},
	{"preStop: {sleep: {}, retries: '1'}", `preStop.retries: must be an integer, got a string`},
	{"terminationGracePeriodSeconds: -1", `terminationGracePeriodSeconds: must be >= 0, got -1`},
	{"terminationGracePeriodSeconds: x", `terminationGracePeriodSeconds: must be an integer, got a string`},
	{"postStart: {sleep: {}, failurePolicy: kill}", `postStart.failurePolicy: must be Kill or Ignore, got "kill"`},
	{"postStart: {sleep: {}, failurePolicy: ''}", `postStart.failurePolicy: must be Kill or Ignore, got ""`},
	{"postStart: {sleep: {}, failurePolicy: true}", `postStart.failurePolicy: must be Kill or Ignore, got a boolean`},

	// exec.
	{"preStop: {exec: {}}", `preStop.exec.command: is required`},
	{"preStop: {exec: {command: null}}", `preStop.exec.command: is required`},
	{"preStop: {exec: {command: []}}", `preStop.exec.command: must not be empty`},
	{"preStop: {exec: {command: sh -c x}}", `preStop.exec.command: must be a list, got a string`},
	{"preStop: {exec: {command: ['', a]}}", `preStop.exec.command[0]: must not be empty`},
	{"preStop: {exec: {command: [sleep, 5]}}", `preStop.exec.command[1]: must be a string, got an integer: put it in quotes`},
	{"preStop: {exec: {command: [sleep, 0.5]}}", `preStop.exec.command[1]: must be a string, got a fractional number: put it in quotes`},
	{"preStop: {exec: {command: [echo, Yes]}}", `preStop.exec.command[1]: must be a string, got a boolean: put it in quotes`},
	{"preStop: {exec: {command: [echo, null]}}", `preStop.exec.command[1]: must be a string, got null`},
	{"preStop: {exec: {command: [echo, [a]]}}", `preStop.exec.command[1]: must be a string, got a list`},
	{`{"preStop": {"exec": {"command": ["echo", "a\u0000b"]}}}`, `preStop.exec.command[1]: must not contain a NUL character`},
	{"preStop: {exec: {command: [a], shell: true}}", `preStop.exec.shell: unknown field, expected one of command, timeoutSeconds, user, env, workingDir`},
	{"preStop: {exec: {command: [a], timeoutSeconds: 5}, timeoutSeconds: 5}", `preStop.timeoutSeconds: must not be set beside exec.timeoutSeconds`},
	{"preStop: {exec: {command: [a], timeoutSeconds: -5}}", `preStop.exec.timeoutSeconds: must be >= 0, got -5`},
	{"preStop: {exec: {command: [a], user: root}}", `preStop.exec.user: is not allowed on this node (policy.allowUser)`},
	{"preStop: {exec: {command: [a], user: 0}}", `preStop.exec.user: must be a string, got an integer: put it in quotes`},
	{"preStop: {exec: {command: [a], workingDir: srv}}", `preStop.exec.workingDir: must be an absolute path, got "srv"`},
	{"preStop: {exec: {command: [a], env: {A: b}}}", `preStop.exec.env: must be a list, got a mapping`},
	{"preStop: {exec: {command: [a], env: [A=b]}}", `preStop.exec.env[0]: must be a mapping, got a string`},
	{"preStop: {exec: {command: [a], env: [{value: b}]}}", `preStop.exec.env[0].name: is required`},
	{"preStop: {exec: {command: [a], env: [{name: ''}]}}", `preStop.exec.env[0].name: must be printable ASCII characters other than '=', got ""`},
	{"preStop: {exec: {command: [a], env: [{name: A}, {name: A=b}]}}", `preStop.exec.env[1].name: must be printable ASCII characters other than '=', got "A=b"`},
	{"preStop: {exec: {command: [a], env: [{name: \"A\\n\"}]}}", `preStop.exec.env[0].name: must be printable ASCII characters other than '=', got "A\n"`},
	{"preStop: {exec: {command: [a], env: [{name: ü}]}}", `preStop.exec.env[0].name: must be printable ASCII characters other than '=', got "\u00fc"`},
	{"preStop: {exec: {command: [a], env: [{name: A, value: 5}]}}", `preStop.exec.env[0].value: must be a string, got an integer: put it in quotes`},
	{"preStop: {exec: {command: [a], env: [{name: A, value: \"s3cret\\0\"}]}}", `preStop.exec.env[0].value: must not contain a NUL character`},
	{"preStop: {exec: {command: [a], env: [{name: A, valueFrom: {}}]}}", `preStop.exec.env[0].valueFrom: unknown field, expected one of name, value`},

	// httpGet.
	{"postStart: {httpGet: {}}", `postStart.httpGet.port: is required`},
	{"postStart: {httpGet: {port: 0}}", `postStart.httpGet.port: must be between 1 and 65535, got 0`},
	{"postStart: {httpGet: {port: 65536}}", `postStart.httpGet.port: must be between 1 and 65535, got 65536`},
	{"postStart: {httpGet: {port: 80.0}}", `postStart.httpGet.port: must be an integer or a string, got a fractional number`},
	{"postStart: {httpGet: {port: [80]}}", `postStart.httpGet.port: must be an integer or a string, got a list`},
	{"postStart: {httpGet: {port: '80'}}", `postStart.httpGet.port: must be a number or the name of a port, got "80"`},
	{"postStart: {httpGet: {port: Web}}", `postStart.httpGet.port: must be a number or the name of a port, got "Web"`},
	{"postStart: {httpGet: {port: a--b}}", `postStart.httpGet.port: must be a number or the name of a port, got "a--b"`},
	{"postStart: {httpGet: {port: -ab}}", `postStart.httpGet.port: must be a number or the name of a port, got "-ab"`},
	{"postStart: {httpGet: {port: ab-}}", `postStart.httpGet.port: must be a number or the name of a port, got "ab-"`},
	{"postStart: {httpGet: {port: abcdefghijklmnop}}", `postStart.httpGet.port: must be a number or the name of a port, got "abcdefghijklmnop"`},
	{"postStart: {httpGet: {port: ''}}", `postStart.httpGet.port: must be a number or the name of a port, got ""`},
	{"postStart: {httpGet: {port: web}}", `postStart.httpGet.port: "web" cannot be looked up: the container has no annotation io.kubernetes.container.ports; use the port's number`},
	{"postStart: {httpGet: {port: 80, host: 10.0.0.1}}", `postStart.httpGet.host: "10.0.0.1" is not allowed on this node (policy.allowHosts)`},
	{"postStart: {httpGet: {port: 80, host: example.com}}", `postStart.httpGet.host: "example.com" is not allowed on this node (policy.allowHosts)`},
	{"postStart: {httpGet: {port: 80, host: localhost.example.com}}", `postStart.httpGet.host: "localhost.example.com" is not allowed on this node (policy.allowHosts)`},
	{"postStart: {httpGet: {port: 80, host: x.localhost}}", `postStart.httpGet.host: "x.localhost" is not allowed on this node (policy.allowHosts)`},
	{"postStart: {httpGet: {port: 80, host: 0.0.0.0}}", `postStart.httpGet.host: "0.0.0.0" is not allowed on this node (policy.allowHosts)`},
	{"postStart: {httpGet: {port: 80, host: 127.1}}", `postStart.httpGet.host: must be a string, got a fractional number: put it in quotes`},
	{"postStart: {httpGet: {port: 80, host: '127.1'}}", `postStart.httpGet.host: "127.1" is not allowed on this node (policy.allowHosts)`},
	{"postStart: {httpGet: {port: 80, host: 'a b'}}", `postStart.httpGet.host: must be a host name or an IP address, got "a b"`},
	{"postStart: {httpGet: {port: 80, host: 'a:80'}}", `postStart.httpGet.host: must be a host name or an IP address, got "a:80"`},
	{"postStart: {httpGet: {port: 80, host: 'u@a'}}", `postStart.httpGet.host: must be a host name or an IP address, got "u@a"`},
	{"postStart: {httpGet: {port: 80, host: '[::1]'}}", `postStart.httpGet.host: must be a host name or an IP address, got "[::1]"`},
	{"postStart: {httpGet: {port: 80, host: 'fe80::1%eth0'}}", `postStart.httpGet.host: must be a host name or an IP address, got "fe80::1%eth0"`},
	{"postStart: {httpGet: {port: 80, host: 'http://a/'}}", `postStart.httpGet.host: must be a host name or an IP address, got "http://a/"`},
	{"postStart: {httpGet: {port: 80, path: 5}}", `postStart.httpGet.path: must be a string, got an integer: put it in quotes`},
	{"postStart: {httpGet: {port: 80, path: 'mailto:a'}}", `postStart.httpGet.path: must be a path, got another kind of URL`},
	{"postStart: {httpGet: {port: 80, path: 'http://u:s3cret@a/'}}", `postStart.httpGet.path: must be a path, got another kind of URL`},
	{"postStart: {httpGet: {port: 80, path: '////a'}}", `postStart.httpGet.path: must not begin with an empty segment`},
	{"postStart: {httpGet: {port: 80, path: 'http://a//b'}}", `postStart.httpGet.path: must not begin with an empty segment`},
	{"postStart: {httpGet: {port: 80, scheme: https}}", `postStart.httpGet.scheme: must be HTTP or HTTPS, got "https"`},
	{"postStart: {httpGet: {port: 80, protocol: HTTP2}}", `postStart.httpGet.protocol: HTTP2 is not supported: Kubernetes uses it for probes only, lifecycle hooks are sent over HTTP/1.1`},
	{"postStart: {httpGet: {port: 80, protocol: h2c}}", `postStart.httpGet.protocol: must be HTTP1 or HTTP2, got "h2c"`},
	{"postStart: {httpGet: {port: 80, httpHeaders: {A: b}}}", `postStart.httpGet.httpHeaders: must be a list, got a mapping`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: A, value: b}, {value: b}]}}", `postStart.httpGet.httpHeaders[1].name: is required`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: A_B, value: b}]}}", `postStart.httpGet.httpHeaders[0].name: must be letters, digits and '-', got "A_B"`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: ''}]}}", `postStart.httpGet.httpHeaders[0].name: must be letters, digits and '-', got ""`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: A, value: 5}]}}", `postStart.httpGet.httpHeaders[0].value: must be a string, got an integer: put it in quotes`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: A, value: \"s3cret\\r\\nX: y\"}]}}", `postStart.httpGet.httpHeaders[0].value: must not contain control characters`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: A, value: \"\\x7f\"}]}}", `postStart.httpGet.httpHeaders[0].value: must not contain control characters`},
	{"postStart: {httpGet: {port: 80, httpHeaders: [{name: A, val: b}]}}", `postStart.httpGet.httpHeaders[0].val: unknown field, expected one of name, value`},
	{"postStart: {httpGet: {port: 80, expectStatus: ''}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got ""`},
	{"postStart: {httpGet: {port: 80, expectStatus: 2xx}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "2xx"`},
	{"postStart: {httpGet: {port: 80, expectStatus: 200-}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "200-"`},
	{"postStart: {httpGet: {port: 80, expectStatus: 300-200}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "300-200"`},
	{"postStart: {httpGet: {port: 80, expectStatus: 200-299-300}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "200-299-300"`},
	{"postStart: {httpGet: {port: 80, expectStatus: '200,'}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "200,"`},
	{"postStart: {httpGet: {port: 80, expectStatus: 99}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "99"`},
	{"postStart: {httpGet: {port: 80, expectStatus: 600}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "600"`},
	{"postStart: {httpGet: {port: 80, expectStatus: '0200'}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "0200"`},
	{"postStart: {httpGet: {port: 80, expectStatus: '+20'}}", `postStart.httpGet.expectStatus: must be HTTP statuses such as "200-399" or "200,204", got "+20"`},
	{"postStart: {httpGet: {port: 80, expectStatus: [200]}}", `postStart.httpGet.expectStatus: must be a string or an integer, got a list`},
	{"postStart: {httpGet: {port: 80, url: x}}", `postStart.httpGet.url: unknown field, expected one of port, host, path, scheme, protocol, httpHeaders, expectStatus`},

	// Signals.
	{"stopSignal: TERM", `stopSignal: must be the name of a signal: write SIGTERM, got "TERM"`},
	{"stopSignal: sigterm", `stopSignal: must be the name of a signal: write SIGTERM, got "sigterm"`},
	{"stopSignal: SIGRTMIN+16", `stopSignal: must be the name of a signal such as SIGTERM or SIGRTMIN+3, got "SIGRTMIN+16"`},
	{"stopSignal: ''", `stopSignal: must be the name of a signal such as SIGTERM or SIGRTMIN+3, got ""`},
	{"stopSignal: 15", `stopSignal: must be the name of a signal: write SIGTERM, got 15`},
	{"stopSignal: '15'", `stopSignal: must be the name of a signal: write SIGTERM, got "15"`},
	{"stopSignal: 0x3", `stopSignal: must be the name of a signal: write SIGQUIT, got 0x3`},
	{"stopSignal: 17", `stopSignal: must be the name of a signal: write SIGCHLD, got 17`},
	{"stopSignal: 37", `stopSignal: must be the name of a signal: write SIGRTMIN+3, got 37`},
	{"stopSignal: 0", `stopSignal: must be the name of a signal such as SIGTERM or SIGRTMIN+3, got "0"`},
	{"stopSignal: 1.5", `stopSignal: must be a string, got a fractional number: put it in quotes`},
	{"stopSignals: [9]", `stopSignals[0]: SIGKILL cannot trigger preStop`},
	{"stopSignals: [kill]", `stopSignals[0]: SIGKILL cannot trigger preStop`},
	{"stopSignals: [SIGTERM, 3]", `stopSignals[1]: must be the name of a signal: write SIGQUIT, got 3`},
	{"stopSignals: SIGTERM", `stopSignals: must be a list, got a string`},
	{"stopSignals: []", `stopSignals: must not be empty`},
	{"stopSignals: [SIGTERM, SIGFOO]", `stopSignals[1]: must be the name of a signal such as SIGTERM or SIGRTMIN+3, got "SIGFOO"`},
	{"stopSignals: [SIGTERM, SIGKILL]", `stopSignals[1]: SIGKILL cannot trigger preStop`},
	{"stopSignals: [SIGSTOP]", `stopSignals[0]: SIGSTOP cannot trigger preStop`},
	{"stopSignals: [SIGCONT]", `stopSignals[0]: SIGCONT cannot trigger preStop`},
	{"stopSignals: [SIGABRT, SIGIOT]", `stopSignals[1]: SIGIOT is listed twice`},
}

func TestParseRejects(t *testing.T) {
	for _, c := range rejected {
		l, err := Resolve(map[string]string{AnnotationKey: c.text}, noConfig)
		if got := strings.TrimPrefix(errorText(t, err), "annotation bookend.dev/lifecycle: "); l != nil || got != c.want {
			t.Errorf("%.80q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestParseRejectsUsers(t *testing.T) {
	for _, user := range []string{"", ":", "a:", ":b", "a:b:c", "a b", "../x", "ü"} {
		_, err := Resolve(map[string]string{AnnotationKey: `preStop: {exec: {command: [a], user: "` + user + `"}}`}, openConfig)
		want := `annotation bookend.dev/lifecycle: preStop.exec.user: must be uid, uid:gid, name or name:group, got ` + quote(user)
		if got := errorText(t, err); got != want {
			t.Errorf("%q:\n got %s\nwant %s", user, got, want)
		}
	}
}

func TestParseRejectsPortAnnotations(t *testing.T) {
	for ports, want := range map[string]string{
		`[]`:                                    `annotation bookend.dev/lifecycle: postStart.httpGet.port: the container has no port named "web"`,
		`[{"name":"db","containerPort":1}]`:     `annotation bookend.dev/lifecycle: postStart.httpGet.port: the container has no port named "web"`,
		`[{"name":"web","containerPort":0}]`:    `annotation io.kubernetes.container.ports: [0].containerPort: must be between 1 and 65535, got 0`,
		`[{"name":"web"}]`:                      `annotation io.kubernetes.container.ports: [0].containerPort: must be between 1 and 65535, got 0`,
		`{`:                                     `annotation io.kubernetes.container.ports: must be a JSON list of container ports: unexpected end of JSON input`,
		`[{"name":"web","containerPort":"80"}]`: `annotation io.kubernetes.container.ports: must be a JSON list of container ports: json: cannot unmarshal string into Go struct field containerPort.containerPort of type int`,
	} {
		_, err := Resolve(map[string]string{AnnotationKey: "postStart: {httpGet: {port: web}}", AnnotationPorts: ports}, noConfig)
		if got := errorText(t, err); got != want {
			t.Errorf("%s:\n got %s\nwant %s", ports, got, want)
		}
	}
}
