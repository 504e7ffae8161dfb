//go:build linux

package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// abandonPatience is how long the clean-up after a dead shim waits.
const abandonPatience = time.Second

// abandoned is how a record ends that is completed for a dead shim.
func abandoned(r Record) End {
	end := End{Outcome: hooks.Unknown, Detail: "the shim died before the hook had ended"}
	if r.Kind == Stop {
		end.Detail = strings.TrimPrefix(r.Detail+"; the shim died before the stop signal was sent", "; ")
	}
	return end
}

// Abandon completes the records of containers whose shim has died, those that
// had not ended as Unknown, and removes their statuses. A shim that
// lives is left alone.
func (s *Store) Abandon(namespace string, containers ...string) {
	s.do(entrySize, abandonPatience, func() error {
		if err := s.abandon(namespace, containers); err != nil {
			return fmt.Errorf("complete the records of containers %s: %w", strings.Join(containers, ", "), err)
		}
		return nil
	})
}

func (s *Store) abandon(namespace string, containers []string) error {
	files, err := readDir(filepath.Join(s.dir, recordsDir))
	if err != nil {
		return err
	}
	var failed error
	for _, f := range files {
		if _, _, ok := parseName(f.Name()); !ok {
			continue
		}
		path := s.recordPath(f.Name())
		of, err := readSubject(path) // an error: foreign, or pruned meanwhile
		if err == nil && of.Namespace == namespace && slices.Contains(containers, of.Container) {
			failed = errors.Join(failed, complete(path))
		}
	}
	for _, container := range containers {
		name := statusName(Subject{Namespace: namespace, Container: container})
		failed = errors.Join(failed, removeDead(s.statusPath(name)), ignore(os.Remove(s.statusPath(tmpPrefix+name)), fs.ErrNotExist))
	}
	return failed
}

// readSubject reads of a record whose it is, which its first line tells. There may
// be thousands of others, and a pod has as many of these clean-ups at once as it has
// containers.
func readSubject(path string) (Subject, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return Subject{}, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(io.LimitReader(f, maxFile), entrySize).ReadBytes('\n')
	if err != nil {
		return Subject{}, err
	}
	r, err := decode(line)
	return r.Subject, err
}

// complete ends a record that no one writes any more and that has no end. A
// line that was torn is left as it is.
func complete(path string) error {
	f, err := openRegular(path, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	defer f.Close()
	if err := lock(f, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return ignore(err, unix.EWOULDBLOCK)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return err
	}
	r, err := decode(data)
	if err != nil || r.ended() {
		return err
	}
	line, err := json.Marshal(abandoned(r))
	if err != nil {
		return err
	}
	if data[len(data)-1] != '\n' {
		line = append([]byte("\n"), line...)
	}
	_, err = f.Write(append(line, '\n'))
	return err
}
