package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"
)

// plan is what a round is to be: the container, its hooks, and the fault that
// it is about. It follows from the seed and the round's number.
type plan struct {
	Seed  uint64
	Round int
	Topic topic
	Kind  kind
	Init  string         // a key of inits
	Post  *hook          // nil: none
	Pre   *hook          // nil: none
	Grace int            // seconds; 0: not said
	Stop  syscall.Signal // what clients send
	// Instead is delivered in its place, 0: nothing else; Narrow says that no
	// other signal is one that means stop.
	Instead syscall.Signal
	Narrow  bool
	Extras  []extra
	rng     *rand.Rand // for the moments
}

// kind is how a container is made.
type kind string

const (
	task  kind = "task"  // alone, as ctr's
	group kind = "group" // in a pod, through the Task API
	pod   kind = "pod"   // in a pod, through the CRI
)

// inits are the entrypoints: all note the signals they get. PRE stands for
// what comes first.
var inits = map[string]string{
	"polite":    "trap 'note sig $s; exit 0'",
	"lingering": "trap 'note sig $s; sleep 0.3; exit 3'",
	"deaf":      "trap 'note sig $s'",
	"brief":     "trap 'note sig $s; exit 0'",
}

// stopSignals are those of the default set.
var stopSignals = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, 37}

// signalNames are those that annotations have.
var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGKILL: "SIGKILL",
	syscall.SIGTERM: "SIGTERM", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", 37: "SIGRTMIN+3",
}

// extra is a disturbance beside a round's topic.
type extra struct {
	what  string // a key of disturbances
	after time.Duration
}

// newPlan draws the plan of a round.
func newPlan(seed uint64, round int, t topic) *plan {
	rng := rand.New(rand.NewPCG(seed, uint64(round)+1))
	p := &plan{Seed: seed, Round: round, Topic: t, rng: rng, Stop: stopSignals[rng.IntN(len(stopSignals))]}
	kinds := t.kinds
	if kinds == nil {
		kinds = []kind{task, task, group, pod}
	}
	p.Kind = kinds[rng.IntN(len(kinds))]
	p.Init = []string{"polite", "polite", "lingering", "deaf", "brief"}[rng.IntN(5)]
	if rng.IntN(5) > 0 {
		p.Post = newHook(rng, "post", p.Kind == pod)
	}
	if rng.IntN(6) > 0 {
		p.Pre = newHook(rng, "pre", p.Kind == pod)
	}
	if rng.IntN(3) > 0 || p.Init == "deaf" {
		p.Grace = 2 + rng.IntN(2)
	}
	switch rng.IntN(10) {
	case 0, 1:
		p.Instead = syscall.SIGHUP
	case 2:
		p.Instead = syscall.SIGKILL
	case 3, 4:
		p.Narrow = true
	}
	if !t.alone {
		for range rng.IntN(3) {
			p.Extras = append(p.Extras, newExtra(rng))
		}
	}
	if t.shape != nil {
		t.shape(p)
	}
	if p.Post == nil && p.Pre == nil { // there would be nothing to see
		p.Pre = makeHook(rng, "pre", "slow")
	}
	return p
}

func newExtra(rng *rand.Rand) extra {
	names := []string{"stop", "stop", "sigkill", "killHook", "pauseResume", "delete", "usr1"}
	return extra{names[rng.IntN(len(names))], time.Duration(rng.IntN(1500)) * time.Millisecond}
}

// moment draws a time up to limit.
func (p *plan) moment(limit time.Duration) time.Duration {
	return time.Duration(p.rng.Int64N(int64(limit)))
}

// mark is in the command lines of the round's hooks.
func (p *plan) mark() string { return fmt.Sprintf("chaos-hook-%d-%d.", p.Seed, p.Round) }

// lifecycle is the container's annotation.
func (p *plan) lifecycle() string {
	m := map[string]any{}
	if p.Post != nil {
		m["postStart"] = p.Post.lifecycle(p.mark())
	}
	if p.Pre != nil {
		m["preStop"] = p.Pre.lifecycle(p.mark())
	}
	if p.Grace > 0 {
		m["terminationGracePeriodSeconds"] = p.Grace
	}
	if p.Instead != 0 {
		m["stopSignal"] = signalNames[p.Instead]
	}
	if p.Narrow {
		m["stopSignals"] = []string{signalNames[p.Stop]}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(b)
}

// entrypoint is the script of the container's init.
func (p *plan) entrypoint() string {
	lines := []string{noteFunction}
	for _, s := range append([]syscall.Signal{syscall.SIGHUP}, stopSignals...) {
		lines = append(lines, strings.ReplaceAll(inits[p.Init], "$s", fmt.Sprint(int(s)))+fmt.Sprintf(" %d", s))
	}
	lines = append(lines, "trap : 10", "trap 'note quit; exit 5' 12")
	if p.Kind == pod {
		lines = append(lines, fmt.Sprintf("httpd -p %d -h /fifo/www", goodPort))
	}
	lines = append(lines, "note up")
	if p.Init == "brief" {
		return strings.Join(append(lines, fmt.Sprintf("sleep 0.%d; note gone; exit 7", p.rng.IntN(5))), "\n")
	}
	return strings.Join(append(lines, "while :; do sleep 1000 & wait; done"), "\n")
}

// grace is the container's grace period.
func (p *plan) grace() time.Duration {
	if p.Grace > 0 {
		return time.Duration(p.Grace) * time.Second
	}
	return 30 * time.Second
}

// hookTime bounds what the container's hooks take.
func (p *plan) hookTime() time.Duration {
	var d time.Duration
	for _, h := range []*hook{p.Post, p.Pre} {
		if h != nil {
			d += h.takes
		}
	}
	return d
}

func (h *hook) String() string {
	if h == nil {
		return "none"
	}
	s := h.body
	if h.timeout > 0 {
		s += fmt.Sprintf(" timeout=%ds", h.timeout)
	}
	if h.retries > 0 {
		s += fmt.Sprintf(" retries=%d", h.retries)
	}
	if h.ignore {
		s += " ignore"
	}
	return s
}

func (p *plan) String() string {
	s := fmt.Sprintf("round %d: %s: %s, init %s, postStart %s, preStop %s, grace %d, stop %d", p.Round, p.Topic.name, p.Kind, p.Init, p.Post, p.Pre, p.Grace, p.Stop)
	if p.Instead != 0 {
		s += fmt.Sprintf(" turned into %d", p.Instead)
	}
	if p.Narrow {
		s += " alone"
	}
	for _, e := range p.Extras {
		s += fmt.Sprintf(", %s after %s", e.what, e.after)
	}
	return s
}
