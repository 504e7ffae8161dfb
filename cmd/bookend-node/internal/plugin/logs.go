package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks/record"
)

func newLogs(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logs POD",
		Short: "Print what the hooks of a pod printed",
		Long: `logs prints what the hooks of the pod's containers printed, the newest last, those of
containers that are gone too.

A line before the output of each attempt says how it ended. Then come stdout and stderr,
one after the other: the records do not say how they were interleaved. They have the last
64 KiB of each, as soon as the hook has ended.

On a terminal logs escapes control characters; to a file or pipe it writes the output as
it is.`,
		Example: `  kubectl bookend logs web-0
  kubectl bookend logs web-0 -c nginx --hook preStop --follow
  kubectl bookend logs web-0 --raw > output`,
	}
	l := logs{client: c, pause: time.Second}
	flags := cmd.Flags()
	container := containerFlag(cmd)
	command.HookFlag(cmd, &l.hook)
	flags.BoolVarP(&l.follow, "follow", "f", false, "print new records, until interrupted; with -o json, one record a line")
	flags.BoolVar(&l.raw, "raw", false, "print the output alone, without the lines about attempts and the marks")
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		pod, err := c.podOf(args)
		if err != nil {
			return err
		}
		l.container, l.note, l.json = *container, note(cmd), *output == command.AsJSON
		l.write = l.writer(cmd.OutOrStdout())
		if err := l.run(cmd.Context(), pod); err != nil {
			return err
		}
		if !l.printed && !l.follow {
			tellNothing(cmd, pod, "records", l.about)
		}
		if l.json && !l.follow {
			return command.JSON(cmd.OutOrStdout(), show.Attempts(l.all, true))
		}
		return nil
	}
	return cmd
}

// logs is one run of the command.
type logs struct {
	*client
	container, hook   string
	follow, raw, json bool
	pause             time.Duration // before the log is read anew
	note              func(string)
	write             func(record.Record) error

	about   hooksapi.About
	printed bool
	all     []record.Record // with -o json, of a log that ends
}

// run reads the log to its end. One that is followed is read anew when the agent closes
// it or goes away, and what was printed is not printed again. It ends with the pod.
func (l *logs) run(ctx context.Context, pod podArg) error {
	var last time.Time // that the log was there
	for {
		began, err := l.once(ctx, pod)
		if !l.follow || ctx.Err() != nil {
			return unlessInterrupted(ctx, err)
		}
		if began {
			last = time.Now()
		}
		switch {
		case apierrors.IsNotFound(err) && !last.IsZero():
			l.note("the pod is gone")
			return nil
		case err != nil && (!passes(err) || time.Since(last) > patience):
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(l.pause):
		}
	}
}

// patience is how long a log that was followed may be away.
const patience = time.Minute

// passes tells whether an error is of a connection, or of a server for the moment.
func passes(err error) bool {
	var unwritten *writeError
	var known apierrors.APIStatus
	switch {
	case errors.Is(err, errAgent), errors.As(err, &unwritten):
		return false
	case errors.As(err, &known):
		return known.Status().Code >= http.StatusInternalServerError || known.Status().Code == http.StatusTooManyRequests
	default:
		return true
	}
}

func unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// once reads the log on one connection, and tells whether that began.
func (l *logs) once(ctx context.Context, pod podArg) (began bool, err error) {
	params := map[string]string{}
	if l.follow {
		params[hooksapi.ParamFollow] = "true"
	}
	body, err := l.open(ctx, pod, hooksapi.SubresourceLog, params)
	if err != nil {
		return false, err
	}
	defer body.Close()
	err = logReader{
		head: func(a hooksapi.About) { l.about, began = a, true },
		record: func(r record.Record) error {
			if l.container != "" && r.Name != l.container || l.hook != "" && l.hook != show.Hook(r) {
				return nil
			}
			l.printed = true
			if err := l.write(r); err != nil {
				return &writeError{err}
			}
			return nil
		},
		note: l.note,
	}.read(ctx, body)
	return began, err
}

// writer returns what prints records.
func (l *logs) writer(out io.Writer) func(record.Record) error {
	switch {
	case !l.json:
		return show.NewLogs(out, show.LogOptions{Location: time.Local, Terminal: terminal.Is(out), Raw: l.raw}).Write
	case l.follow:
		return changedLines(out)
	default:
		return func(r record.Record) error { l.all = append(l.all, r); return nil }
	}
}

// changedLines prints each record as a line of JSON, and again only if it has changed.
func changedLines(out io.Writer) func(record.Record) error {
	before := map[string][sha256.Size]byte{}
	return func(r record.Record) error {
		var line bytes.Buffer
		if err := command.JSONLine(&line, show.Attempts([]record.Record{r}, true)[0]); err != nil {
			return err
		}
		sum := sha256.Sum256(line.Bytes())
		if before[r.ID] == sum {
			return nil
		}
		before[r.ID] = sum
		_, err := out.Write(line.Bytes())
		return err
	}
}
