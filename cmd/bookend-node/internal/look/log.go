package look

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks/record"
)

func follows(r *http.Request) bool { return r.URL.Query().Get(hooksapi.ParamFollow) == "true" }

// log answers with the records of a pod's hooks. One record at a time is in memory.
func (s *Server) log(w http.ResponseWriter, r *http.Request, pod *corev1.Pod) error {
	select {
	case s.logs <- struct{}{}:
		defer func() { <-s.logs }()
	default:
		return refused(apierrors.NewTooManyRequests("the agent writes as many logs as it may", 1))
	}
	l := &logWriter{
		lines:   json.NewEncoder(w),
		flush:   http.NewResponseController(w).Flush,
		records: s.opts.Records.FollowOf(ofPod(pod)),
		most:    s.opts.Limits.MaxBytes,
		output:  r.URL.Query().Get(hooksapi.ParamOutput) != "false",
	}
	// From here on errors are lines of the answer, and those of the connection mean
	// that the client has gone.
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	about := s.about(pod)
	if l.lines.Encode(hooksapi.LogLine{Head: &about}) != nil || l.news(r.Context()) != nil || !follows(r) {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Limits.Follow)
	defer cancel()
	l.follow(ctx, s.opts.Limits)
	return nil
}

// logWriter writes what is new of a pod's records.
type logWriter struct {
	lines   *json.Encoder // one line by one write
	flush   func() error
	records *record.Follower
	most    int64
	output  bool // with what hooks printed
}

// news writes what is new since the last time. An error ends the log: its client
// has gone, or has been told.
func (l *logWriter) news(ctx context.Context) error {
	omitted, unreadable, err := l.records.Changes(l.most, func(r record.Record) error {
		if !l.output {
			r.Stdout, r.Stderr = nil, nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return l.lines.Encode(hooksapi.LogLine{Record: hooksapi.NewRecord(r)})
	})
	if err != nil {
		_ = l.lines.Encode(hooksapi.LogLine{Error: err.Error()})
		return err
	}
	if omitted > 0 {
		err = l.lines.Encode(hooksapi.LogLine{Omitted: omitted})
	}
	if err == nil && len(unreadable) > 0 {
		err = l.lines.Encode(hooksapi.LogLine{Unreadable: len(unreadable)})
	}
	if err != nil {
		return err
	}
	return l.flush()
}

// follow writes what is new until ctx ends, and from time to time that it lives.
func (l *logWriter) follow(ctx context.Context, limits Limits) {
	look, beat := time.NewTicker(limits.Poll), time.NewTicker(limits.Heartbeat)
	defer look.Stop()
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			err = l.news(ctx)
		case <-beat.C:
			if err = l.lines.Encode(hooksapi.LogLine{}); err == nil {
				err = l.flush()
			}
		}
		if err != nil {
			return
		}
	}
}
