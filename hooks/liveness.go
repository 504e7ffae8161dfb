package hooks

// Liveness is what is known of a container's init.
type Liveness uint8

const (
	// CannotSay says that it could not be looked at.
	CannotSay Liveness = iota
	// Alive says that it runs and is not on its way out.
	Alive
	// Gone says that it has exited, or is dying.
	Gone
)
