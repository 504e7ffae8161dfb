package hooksapi

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bookend.dev/bookend/hooks/record"
)

// About says where and when an answer was made.
type About struct {
	// Node is the pod's, whose agent answers.
	Node string `json:"node"`
	// Now is that node's time: durations up to now are told from it.
	Now time.Time `json:"now"`
	// RuntimeClassName is the pod's; empty: it has none.
	RuntimeClassName string `json:"runtimeClassName,omitempty"`
}

// PodHooks is where the containers with hooks of a pod stand.
type PodHooks struct {
	metav1.TypeMeta `json:",inline"`
	About           `json:",inline"`
	Containers      []record.Status `json:"containers"`
}

// LogLine is a line of a log. One of its fields is set; a line without any says
// only that the stream lives.
type LogLine struct {
	Head   *About  `json:"head,omitempty"` // the first line
	Record *Record `json:"record,omitempty"`
	// Omitted is how many older records do not fit into the answer.
	Omitted int `json:"omitted,omitempty"`
	// Unreadable is how many files among the node's records are none.
	Unreadable int `json:"unreadable,omitempty"`
	// Error ends a stream that cannot go on.
	Error string `json:"error,omitempty"`
}

// Record is a record with what its reader knows besides what is in the file. Of a
// record that comes again, all is new.
type Record struct {
	ID      string `json:"id"`
	Running bool   `json:"running,omitempty"`
	record.Record
}

// NewRecord wraps a record that was read.
func NewRecord(r record.Record) *Record { return &Record{ID: r.ID, Running: r.Running, Record: r} }

// Read is the record as it was read on its node.
func (r *Record) Read() record.Record {
	read := r.Record
	read.ID, read.Running = r.ID, r.Running
	return read
}
