package admission

import (
	"fmt"
	"testing"

	"bookend.dev/bookend/hooks"
)

// What keeps guards against, a fault of the library that writes YAML, has not been
// seen.
func TestALifecycleThatMeansSomethingElseIsNoticed(t *testing.T) {
	const before = "postStart: {sleep: {seconds: 1}}\npreStop: {sleep: {seconds: 2}}\nstopSignals: [SIGTERM, SIGUSR2]\nstopSignal: SIGUSR1\nterminationGracePeriodSeconds: 9\n"
	c := newAdmitter(t).newCarrier(&pod{}, &Verdict{})
	one := &container{Name: "web"}
	read := func(text string) (*own, *hooks.Lifecycle) {
		c.annotations[keyOf(one)] = text
		o, err := c.own(one)
		if err != nil {
			t.Fatal(err)
		}
		return o, o.lifecycle
	}
	o, same := read(before)
	if !c.keeps(o, same) {
		t.Error("the same lifecycle counts as another")
	}
	for field, text := range map[string]string{
		"postStart":                     "postStart: {sleep: {seconds: 3}}\npreStop: {sleep: {seconds: 2}}\nstopSignals: [SIGTERM, SIGUSR2]\nstopSignal: SIGUSR1\nterminationGracePeriodSeconds: 9\n",
		"preStop":                       "postStart: {sleep: {seconds: 1}}\nstopSignals: [SIGTERM, SIGUSR2]\nstopSignal: SIGUSR1\nterminationGracePeriodSeconds: 9\n",
		"stopSignals":                   "postStart: {sleep: {seconds: 1}}\npreStop: {sleep: {seconds: 2}}\nstopSignals: [SIGTERM]\nstopSignal: SIGUSR1\nterminationGracePeriodSeconds: 9\n",
		"stopSignal":                    "postStart: {sleep: {seconds: 1}}\npreStop: {sleep: {seconds: 2}}\nstopSignals: [SIGTERM, SIGUSR2]\nstopSignal: SIGHUP\nterminationGracePeriodSeconds: 9\n",
		"terminationGracePeriodSeconds": "postStart: {sleep: {seconds: 1}}\npreStop: {sleep: {seconds: 2}}\nstopSignals: [SIGTERM, SIGUSR2]\nstopSignal: SIGUSR1\nterminationGracePeriodSeconds: 8\n",
	} {
		if _, changed := read(text); c.keeps(o, changed) {
			t.Errorf("another %s counts as the same", field)
		}
	}
}

// The texts of annotations are people's: whatever hooks reads is joined, and means
// the same.
func TestALifecycleJoinsEveryStyle(t *testing.T) {
	for i, text := range []string{
		"postStart: {sleep: {seconds: 1}}",
		"---\npostStart: {sleep: {seconds: 1}}\n...\n",
		"  postStart:\n    sleep: {seconds: 1}\n",
		"# first\n\npostStart: # second\n  sleep:\n    # third\n    seconds: 0x1\n# last",
		"\"postStart\": {'sleep': {\"seconds\": 1}}",
		"postStart: {exec: {command: [sh, -c, \"a: b # c\\n\\ttab \\u00e4 \U0001F600\", 'it''s', 'yes', \"0x10\", \"1e3\", \"null\", ' pad ']}}",
		"postStart:\n  exec:\n    command:\n    - sh\n    - -c\n    - |+\n      keep\n\n\n    - >-\n      folded\n      text\n",
		"postStart:\n  exec:\n    command: [a]\n    env:\n    - {name: A, value: !!str 1}\n    - name: B\n      value: >\n        x\n        y\n",
		"{\n  \"postStart\" : { \"sleep\" : { } }\n}\n",
		"{\"postStart\": {\"exec\": {\"command\": [\"\\ud83d\\ude00\", \"}\"]}}}",
		"\r\npostStart:\r\n  sleep: {seconds: 1}\r\n",
		"stopSignals: [SIGTERM]",
		"terminationGracePeriodSeconds: 7 # of its own",
		"{}",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			raw := fmt.Appendf(nil, `{"metadata": {"annotations": {"lifecycle.bookend.dev/web": %s}}, "spec": {"runtimeClassName": "bookend", "terminationGracePeriodSeconds": 30,
				"containers": [{"name": "web", "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "a > b && c: 'd' # e"]}}}}]}}`, quoteJSON(t, text))
			f := fixture{Pod: raw}
			v := f.admit(t, raw)
			if v.Refused != "" || len(v.Warnings) > 0 || len(v.Patch) == 0 {
				t.Fatalf("not joined:\n%s", v.golden(t))
			}
			if again := f.admit(t, v.apply(t, raw)); again.Refused != "" || len(again.Patch) > 0 || len(again.Warnings) > 0 {
				t.Errorf("and then:\n%s", again.golden(t))
			}
		})
	}
}
