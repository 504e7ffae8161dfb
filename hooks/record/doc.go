// Package record keeps what hooks did: a file for each attempt, written before
// it starts and completed after it ends, and for each stop signal that could not
// be sent for a while, in bounded space; and a file for each container with hooks
// that says where it stands. docs/records.md has the format.
//
// A shim writes through [Store.Begin], [Entry.End], [Entry.Amend], [Store.Post]
// and [Store.Remove]; whoever cleans up after one that died, through
// [Store.Abandon]. Readers use [Store.List], [Store.Follow] and
// [Store.Statuses]; they need no shim, and change nothing.
//
// # Concurrency
//
// Each store does its writing on one goroutine, which is there while there is
// something to write; callers wait for it for a bounded time. Between processes
// there are three rules. A file has one writer, who holds its lock of flock(2)
// while the attempt runs, so that the end of the writer, whatever it is, frees
// it. Records grow by whole lines, and statuses are replaced by rename. Only a
// file whose lock is free is removed.
package record
