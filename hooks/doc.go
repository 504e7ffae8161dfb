// Package hooks is the domain of bookend: what a container's lifecycle hooks
// are, how they are written in annotations, and how one hook is run.
//
// Data flows one way: annotations and the node's configuration go through
// [Resolve] and come out as a [Lifecycle]; a [Hook] of it is carried out by a
// [Handler] under [Run], and its [Result] tells what happened.
//
// The package imports nothing of bookend and nothing of containerd: what needs
// a container (its namespaces, its processes) is passed in as a [Handler] or a
// [Network].
//
// # Annotations
//
// An annotation holds one YAML or JSON document of at most 64 KiB: the
// Kubernetes Lifecycle object as it stands under spec.containers[].lifecycle,
// and bookend's own fields beside it. Here is everything there is:
//
//	postStart:
//	  exec:
//	    command: [/bin/sh, -c, "echo ready > /run/ready"]
//	    user: "1000:1000"     # where policy allows it: uid, uid:gid, name or name:group
//	    env:
//	    - name: MODE
//	      value: warm-up
//	    workingDir: /srv
//	  timeoutSeconds: 30      # default 100; 0: no limit; exec.timeoutSeconds is the same
//	  retries: 3              # 0 to 1000 further attempts, within the timeout
//	  output: container       # default records; where what an exec hook prints goes
//	  failurePolicy: Ignore   # default Kill; postStart only
//	preStop:
//	  httpGet:
//	    port: 8080            # or a port's name
//	    host: 127.0.0.1       # default: the pod's own address
//	    path: /drain?soft=1
//	    scheme: HTTPS         # default HTTP
//	    httpHeaders:
//	    - name: Authorization
//	      value: Basic YTpi
//	    expectStatus: 200-299,304
//	stopSignal: SIGUSR1
//	stopSignals: [SIGTERM, SIGRTMIN+3, SIGUSR1]
//	terminationGracePeriodSeconds: 60
//
// The third handler waits:
//
//	preStop: {sleep: {seconds: 5}}
//
// Reading is strict. An unknown field, a field twice, a value of another type
// or out of range, no handler in a hook or two: each is an [InvalidError] with
// the path of the culprit. So is what JSON cannot say: aliases, anchors, merge
// keys, tags other than !!str, several documents. A field that is null counts
// as absent, as in Kubernetes; but "preStop: null" also switches off the
// node's default. Strings that YAML 1.1 takes for booleans (yes, on, n) need
// quotes, as in Kubernetes; integers may be written in any base of YAML's;
// seconds beyond a hundred years are cut to that.
//
// Choices where Kubernetes or the specification leave room:
//
//   - httpGet.host may always be a loopback address or "localhost", which is not
//     looked up: the socket is made in the container's own network namespace.
//     Whatever else it names must be allowed by policy, "0.0.0.0" and the pod's
//     own address included. It is a name or an address without brackets, port or
//     zone.
//   - httpGet.path is read as by the kubelet: a URL reference of which path and
//     query count. httpGet.protocol may be HTTP1; HTTP2 is for probes.
//   - httpGet.expectStatus is a number or a string of statuses and ranges from
//     100 to 599 with commas between them.
//   - stopSignal and stopSignals take the names of Kubernetes' Signal type.
//     SIGKILL, SIGSTOP and SIGCONT never trigger preStop: not allowed in
//     stopSignals, and not added to the set when one is the stopSignal.
//     stopSignals, where written, is the whole set.
//   - exec refuses what no kernel could run: an empty command[0], NUL characters.
//   - sleep without seconds is "seconds: 0", as the API server reads it.
//
// # Configuration
//
// The node's configuration is TOML, read by the same grammar, see
// [ParseConfig]. It is not bound by its own policy:
//
//	[defaults]
//	postStartTimeoutSeconds = 100
//	preStopTimeoutSeconds = 0       # no limit
//	[defaults.preStop.sleep]        # for every container but pod sandboxes
//	seconds = 5
//
//	[policy]
//	allowHandlers = ["exec", "httpGet", "sleep"]
//	allowUser = false
//	allowHosts = ["10.0.0.0/8", "metadata.internal"]
//	allowContainerOutput = true
//	maxPostStartTimeoutSeconds = 0  # no maximum
//	maxPreStopTimeoutSeconds = 600  # and no hook without a limit
//	maxRetries = 1000
//
//	[records]
//	directory = "/run/bookend"
//	maxAgeSeconds = 604800
//	maxCount = 2000
//	maxBytes = 33554432
//	maxCountPerContainer = 250      # not given: an eighth of maxCount
//	maxBytesPerContainer = 4194304  # not given: an eighth of maxBytes
//
//	[log]
//	level = "info"
//
//	[exec]
//	entry = "auto"                  # or "runtime"
//
//	[runc]
//	binaryName = "/usr/sbin/runc"
//	root = "/run/runc"
//	systemdCgroup = true
//
// Where policy has a maximum, a hook may ask neither for more nor for no limit,
// and one that asks for nothing gets the node's default, which cannot be above
// the maximum, or the maximum where the default is no limit.
//
// # Concurrency
//
// A [Lifecycle] is immutable after [Resolve] and may be shared. [Run] is called
// by one goroutine per hook and owns the hook's deadline and attempts.
package hooks
