package hooks

// The ways into a container that a node may choose between.
const (
	// EntryAuto joins a container directly where that gives the hook what the
	// runtime's own exec would, and calls that exec elsewhere.
	EntryAuto = "auto"
	// EntryRuntime calls the runtime's own exec for every hook.
	EntryRuntime = "runtime"
)

// JoinerAnnotation is where the shim's -info says whether it can join containers
// directly: [JoinerReady], or why not.
const (
	JoinerAnnotation = "dev.bookend.joiner"
	JoinerReady      = "ready"
)

// ExecHooks is about exec hooks, whoever asks for them.
type ExecHooks struct {
	Entry string // EntryAuto or EntryRuntime
}

// read returns e with what the section says.
func (e ExecHooks) read(v *value) (ExecHooks, error) {
	t := v.table("entry")
	optional(t, "entry", &e.Entry, oneOf(EntryAuto, EntryRuntime))
	return e, t.err
}
