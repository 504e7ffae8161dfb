package hooks

import "errors"

var (
	// ErrConfig is matched by the error that [Resolve] returns for a container
	// which asked for nothing itself when the node's configuration is broken.
	// Such a container runs without hooks; the error is for the log.
	ErrConfig = errors.New("node configuration cannot be used")
	// ErrTimeout is the context cause of a hook that used up its time.
	ErrTimeout = errors.New("hook timed out")
	// ErrGone is wrapped by every error that says that a container's namespaces
	// cannot be reached any more because its init has exited.
	ErrGone = errors.New("container is gone")
	// errRedirect is wrapped by every redirect that is a failure of the hook.
	errRedirect = errors.New("redirect refused")
	// ErrNotJSON says that a text is not JSON.
	ErrNotJSON = errors.New("is not JSON")
	// ErrNesting says that JSON is nested deeper than its reader wants to read.
	ErrNesting = errors.New("is nested too deeply")
)
