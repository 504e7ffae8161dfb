package nodeinstall

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// settled is a node on which all is as it should be.
var settled = Observed{Labelled: true, Reported: true, Ready: true, HandlerKnown: true, Serving: true, Loaded: true}

func TestDecide(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Observed)
		action Action
		reason string // of a condition that is False; empty: it is True
		warn   bool
	}{
		"all is well":    {func(*Observed) {}, Rest, "", false},
		"newer binaries": {func(o *Observed) { o.Pending = true }, Place, ReasonInstalling, false},
		"a new node":     {func(o *Observed) { *o = Observed{Pending: true, Serving: true, Ready: true} }, Place, ReasonInstalling, false},
		"a new node whose containerd is not asked": {func(o *Observed) { *o = Observed{Pending: true, Ready: true} }, Wait, ReasonContainerd, true},
		"a restart is due":                         {func(o *Observed) { o.Restart = RestartDue }, Restart, ReasonRestarting, false},
		"due, and more to place":                   {func(o *Observed) { o.Restart, o.Pending = RestartDue, true }, Place, ReasonInstalling, false},
		"due, for a person":                        {func(o *Observed) { o.Restart, o.ByHand = RestartDue, true }, Wait, ReasonRestartByHand, true},
		"not loaded, of an earlier change":         {func(o *Observed) { o.Loaded = false }, Restart, ReasonRestarting, false},
		"not loaded, for a person":                 {func(o *Observed) { o.Loaded, o.ByHand = false, true }, Unlabel, ReasonRestartByHand, true},
		"not loaded, for a person, no label":       {func(o *Observed) { o.Loaded, o.ByHand, o.Labelled = false, true, false }, Wait, ReasonRestartByHand, true},
		"not loaded by a restart":                  {func(o *Observed) { o.Restart, o.Loaded = Restarted, false }, Unlabel, ReasonNotLoaded, true},
		"not loaded by a restart for long":         {func(o *Observed) { o.Restart, o.Loaded, o.Overdue, o.Labelled = Restarted, false, true, false }, Wait, ReasonNotLoaded, true},
		"restarted":                                {func(o *Observed) { o.Restart, o.Ready = Restarted, false }, Wait, ReasonNodeNotReady, false},
		"restarted, the kubelet has not seen it":   {func(o *Observed) { o.Restart, o.HandlerKnown = Restarted, false }, Wait, ReasonNodeNotReady, false},
		"restarted, and not Ready for long":        {func(o *Observed) { o.Restart, o.Ready, o.Overdue = Restarted, false, true }, Wait, ReasonNodeNotReady, true},
		"restarted, and Ready":                     {func(o *Observed) { o.Restart, o.Labelled = Restarted, false }, Settle, ReasonRestarting, false},
		"restarted, and silent":                    {func(o *Observed) { o.Restart, o.Serving = Restarted, false }, Wait, ReasonContainerd, true},
		"restarted long ago, and silent":           {func(o *Observed) { o.Restart, o.Serving, o.Overdue = Restarted, false, true }, Wait, ReasonContainerd, true},
		"restarted, and silent for long":           {func(o *Observed) { o.Restart, o.Serving, o.Silent = Restarted, false, true }, GiveUp, ReasonGaveUp, true},
		"due, and silent for long":                 {func(o *Observed) { o.Restart, o.Serving, o.Silent = RestartDue, false, true }, GiveUp, ReasonGaveUp, true},
		"due, and restarted often":                 {func(o *Observed) { o.Restart, o.Often = RestartDue, true }, Wait, ReasonOften, true},
		"not loaded, and restarted often":          {func(o *Observed) { o.Loaded, o.Often = false, true }, Unlabel, ReasonOften, true},
		"restarted often, and all is well":         {func(o *Observed) { o.Often = true }, Rest, "", false},
		"silent on its own":                        {func(o *Observed) { o.Serving, o.Silent = false, true }, Wait, ReasonContainerd, true},
		"no label yet":                             {func(o *Observed) { o.Labelled = false }, Label, "", false},
		"no label yet, and not Ready":              {func(o *Observed) { o.Labelled, o.Ready = false, false }, Wait, ReasonNodeNotReady, false},
		"not Ready for reasons of its own":         {func(o *Observed) { o.Ready = false }, Rest, "", false},
		"to be configured by a person":             {func(o *Observed) { o.Todo, o.Loaded, o.Labelled = "x", false, false }, Wait, ReasonByHand, true},
		"to be configured by a person once more":   {func(o *Observed) { o.Todo, o.Loaded = "x", false }, Unlabel, ReasonByHand, true},
		"binaries first where a person configures": {func(o *Observed) { o.Todo, o.Loaded, o.Pending = "x", false, true }, Place, ReasonInstalling, false},
		"configured by a person, in part":          {func(o *Observed) { o.Todo = "x" }, Rest, "", false},
		"removal":                                  {func(o *Observed) { o.Removal, o.Installed = true, true }, Unlabel, ReasonRemoving, false},
		"removal, while pods run":                  {func(o *Observed) { o.Removal, o.Installed, o.InUse = true, true, true }, Unlabel, ReasonRemoving, false},
		"removal, no label, pods run":              {func(o *Observed) { o.Removal, o.Installed, o.InUse, o.Labelled = true, true, true, false }, Wait, ReasonInUse, true},
		"removal, no label, no pods":               {func(o *Observed) { o.Removal, o.Installed, o.Labelled = true, true, false }, Undo, ReasonRemoving, false},
		"removal before the restart":               {func(o *Observed) { o.Removal, o.Installed, o.Labelled, o.Restart = true, true, false, RestartDue }, Undo, ReasonRemoving, false},
		"removed, a restart is due":                {func(o *Observed) { o.Removal, o.Labelled, o.Restart = true, false, RestartDue }, Restart, ReasonRemoving, false},
		"removed, for a person to restart":         {func(o *Observed) { o.Removal, o.Labelled, o.Restart, o.ByHand = true, false, RestartDue, true }, Settle, ReasonRemoving, false},
		"removed and restarted":                    {func(o *Observed) { o.Removal, o.Labelled, o.Restart, o.Ready = true, false, Restarted, false }, Wait, ReasonNodeNotReady, false},
		"removed and restarted, long ago": {func(o *Observed) {
			o.Removal, o.Labelled, o.Restart, o.Ready, o.Overdue = true, false, Restarted, false, true
		}, Wait, ReasonNodeNotReady, true},
		"removed, restarted, Ready": {func(o *Observed) { o.Removal, o.Labelled, o.Restart = true, false, Restarted }, Settle, ReasonRemoving, false},
		"taken back: label":         {func(o *Observed) { o.GaveUp, o.Installed = true, true }, Unlabel, ReasonGaveUp, true},
		"taken back: pods run":      {func(o *Observed) { o.GaveUp, o.Labelled, o.Installed, o.InUse = true, false, true, true }, Wait, ReasonInUse, true},
		"taken back: pods run with it": {func(o *Observed) {
			o.GaveUp, o.Labelled, o.Installed, o.InUse, o.Configured = true, false, true, true, true
		}, TakeBack, ReasonGaveUp, true},
		"taken back: restart while pods run": {func(o *Observed) {
			o.GaveUp, o.Labelled, o.Installed, o.InUse, o.Restart = true, false, true, true, RestartDue
		}, Restart, ReasonGaveUp, true},
		"removal while pods run with it": {func(o *Observed) {
			o.Removal, o.Labelled, o.Installed, o.InUse, o.Configured, o.Restart = true, false, true, true, true, RestartDue
		}, Wait, ReasonInUse, true},
		"taken back: files":               {func(o *Observed) { o.GaveUp, o.Labelled, o.Installed, o.Serving = true, false, true, false }, Undo, ReasonGaveUp, true},
		"taken back: restart":             {func(o *Observed) { o.GaveUp, o.Labelled, o.Restart, o.Serving = true, false, RestartDue, false }, Restart, ReasonGaveUp, true},
		"taken back":                      {func(o *Observed) { o.GaveUp, o.Labelled, o.Pending = true, false, true }, Rest, ReasonGaveUp, true},
		"removal after it was taken back": {func(o *Observed) { o.GaveUp, o.Removal, o.Labelled = true, true, false }, Forget, "none", false},
		"removed":                         {func(o *Observed) { o.Removal, o.Labelled = true, false }, Forget, "none", false},
		"removed and forgotten":           {func(o *Observed) { *o = Observed{Removal: true, Ready: true} }, Rest, "none", false},
	} {
		o := settled
		tt.change(&o)
		d := decide(o)
		status := corev1.ConditionFalse
		switch tt.reason {
		case "":
			status, tt.reason = corev1.ConditionTrue, ReasonInstalled
		case "none":
			status, tt.reason = "", ""
		}
		if d.Action != tt.action || d.Status != status || d.Reason != tt.reason || d.Warn != tt.warn || (d.Message == "") != (status == "") {
			t.Errorf("%s: got %+v, want %s, %s %s, warn %v", name, d, tt.action, status, tt.reason, tt.warn)
		}
	}
}

// Of all that can be observed: what must never be.
func TestDecideNeverDoesHarm(t *testing.T) {
	stages := []Stage{NoRestart, RestartDue, Restarted}
	for bits := range 1 << 17 {
		for _, stage := range stages {
			is := func(i int) bool { return bits&(1<<i) != 0 }
			o := Observed{
				Removal: is(0), GaveUp: is(1), Labelled: is(2), Reported: is(3), Ready: is(4), HandlerKnown: is(5), Installed: is(6),
				InUse: is(7), Pending: is(8), Serving: is(9), Loaded: is(10), Overdue: is(11), ByHand: is(12), Restart: stage,
			}
			if is(13) {
				o.Todo = "x"
			}
			o.Silent, o.Often, o.Configured = is(14) && !o.Serving, is(15), is(16) && o.InUse
			d := decide(o)
			for what, broken := range map[string]bool{
				"the label goes to a node that cannot run pods": d.Action == Label && (o.Removal || o.GaveUp || !o.Loaded || !o.Ready),
				"files go that pods run on":                     d.Action == Undo && o.InUse,
				"files go without a removal":                    d.Action == Undo && !o.Removal && !o.GaveUp,
				"files go before the label":                     d.Action == Undo && o.Labelled,
				"the configuration goes that pods need":         d.Action == TakeBack && (!o.GaveUp || o.Removal || o.Labelled),
				"it waits with a label that lies":               d.Action == Wait && o.Labelled && o.Serving && !o.Loaded && !o.Pending,
				"it gives up at once":                           d.Action == GiveUp && (!o.Silent || o.Restart == NoRestart),
				"a loop of restarts":                            d.Action == Restart && o.Often && !o.Removal && !o.GaveUp,
				"containerd is restarted twice":                 d.Action == Restart && o.Restart == Restarted,
				"containerd is restarted, which a person does":  d.Action == Restart && o.ByHand,
				"it rests with work to do":                      d.Action == Rest && !o.Removal && !o.GaveUp && (o.Pending || o.Restart != NoRestart),
				"it rests before all is undone":                 d.Action == Rest && o.Removal && (o.Installed || o.Labelled || o.Reported || o.Restart != NoRestart),
				"a change is not told":                          d.Status == "" && d.Action != Rest && d.Action != Forget,
			} {
				if broken {
					t.Fatalf("%s: %+v: %+v", what, o, d)
				}
			}
		}
	}
}
