//go:build linux

package record

import (
	"sync"
	"time"
)

// maxWaiting is how much memory the jobs that wait may hold, in bytes.
const maxWaiting = 8 << 20

// queue does jobs one after the other, in their order, on a goroutine that is
// there while there are jobs: a file system that hangs costs one goroutine and
// one thread, however many hooks there are.
type queue struct {
	mu      sync.Mutex
	jobs    []*job
	size    int       // of all jobs in it
	working bool      // the goroutine is there
	since   time.Time // when the job that is being done was begun
}

// job is one thing to do.
type job struct {
	run  func()
	size int // of what it holds in memory, in bytes; 0: it is taken in any case
	done chan struct{}
}

// admission is what a queue does with a job.
type admission uint8

const (
	taken admission = iota
	// hangs: taken, but the job before it takes so long that waiting does not help.
	hangs
	// full: not taken.
	full
)

func (q *queue) add(j *job) admission {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.size > 0 && len(q.jobs) > 0 && q.size+j.size > maxWaiting {
		return full
	}
	q.jobs = append(q.jobs, j)
	q.size += j.size
	if !q.working {
		q.working, q.since = true, time.Now()
		go q.work()
		return taken
	}
	if time.Since(q.since) >= patience {
		return hangs
	}
	return taken
}

func (q *queue) work() {
	for j := q.next(); j != nil; j = q.next() {
		j.run()
		close(j.done)
	}
}

// next takes the job that is due; nil: there is none, and the goroutine ends.
func (q *queue) next() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		q.working, q.jobs = false, nil
		return nil
	}
	j := q.jobs[0]
	q.jobs[0], q.jobs = nil, q.jobs[1:]
	q.size -= j.size
	q.since = time.Now()
	return j
}
