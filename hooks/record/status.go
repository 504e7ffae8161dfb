package record

import (
	"time"

	"bookend.dev/bookend/hooks"
)

// Status is where a container with hooks stands now.
type Status struct {
	Version int `json:"version"`
	Subject
	// Phase is one of the shim's: created, starting, postStart, judging,
	// running, preStop, delivering, stopping, killing, exited.
	Phase string `json:"phase"`
	// PostStart and PreStop name the handlers of the container's hooks; empty: none.
	PostStart string `json:"postStart,omitempty"`
	PreStop   string `json:"preStop,omitempty"`
	// Hook is the one that runs; empty: no hook runs, and what follows is nil.
	Hook     hooks.Point `json:"hook,omitempty"`
	Started  *time.Time  `json:"started,omitempty"`
	Deadline *time.Time  `json:"deadline,omitempty"` // nil: unlimited
	// Undelivered is since when a stop signal is due that cannot be sent; nil:
	// there is none, or it has not lasted long enough to be told.
	Undelivered *time.Time `json:"undelivered,omitempty"`
	// Shim is the process that wrote the status: it is true only while that lives.
	Shim Process `json:"shim"`
}

// Process names a process for all time: the start time tells it from another
// that has its pid, and the boot from one that started as long after another boot.
type Process struct {
	Pid       int    `json:"pid"`
	StartTime uint64 `json:"startTime"`      // field 22 of /proc/PID/stat, in clock ticks since boot
	Boot      string `json:"boot,omitempty"` // the kernel's boot_id; empty: an older version's
}
