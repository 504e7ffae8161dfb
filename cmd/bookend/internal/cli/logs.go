package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks/record"
)

func newLogs() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logs ID",
		Short: "Print what the hooks of a container printed",
		Long: `logs prints what a container's hooks printed, the newest last, even if the container
is gone. ID is a container's id, the beginning of one, or a name: name, pod/name or
namespace/pod/name. A name means all containers that had it in that pod, or under
nerdctl, one after the other. If several pods have such a container, logs lists
them: name the pod.

A line before the output of each attempt says how it ended. Then come stdout and
stderr, one after the other: the records do not say how they were interleaved. They
have the last 64 KiB of each, as soon as the hook has ended.

A stop signal that the shim could not send has such a line as well, with the last
error below it.

On a terminal logs escapes control characters; to a file or pipe it writes the
output as it is.`,
		Example: `  bookend logs web/nginx
  bookend logs 3f1c9a --hook preStop --follow
  bookend logs web --raw > output`,
		Args: usage(oneContainer),
	}
	source := recordsFlags(cmd)
	var l logs
	l.namespace = namespaceFlag(cmd)
	command.HookFlag(cmd, &l.hook)
	cmd.Flags().BoolVarP(&l.follow, "follow", "f", false, "print new records, until interrupted; with -o json, one record a line")
	cmd.Flags().BoolVar(&l.raw, "raw", false, "print the output alone, without the lines about attempts and the marks")
	l.as = command.OutputFlag(cmd)
	cmd.ValidArgsFunction = completeContainers(source)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if l.store, err = source.open(cmd.Context(), warner(cmd)); err != nil {
			return err
		}
		l.out = cmd.OutOrStdout()
		l.warn = func(skipped []error) { warnSkipped(cmd, skipped) }
		return l.run(cmd.Context(), args[0])
	}
	return cmd
}

// logs is one run of the command.
type logs struct {
	store       *record.Store
	out         io.Writer
	warn        func(skipped []error)
	namespace   *string
	hook        string // as [show.Hook] has it
	follow, raw bool
	as          *command.Format
}

func (l *logs) run(ctx context.Context, word string) error {
	take, err := l.find(word)
	if err != nil {
		return err
	}
	write, f := l.writer(), l.store.Follow()
	return repeat(ctx, l.follow, func() error {
		changed, skipped, err := f.Poll()
		if err != nil {
			return err
		}
		l.warn(skipped)
		return write(slices.DeleteFunc(changed, func(r record.Record) bool { return !take(r) }))
	})
}

// find returns what tells the attempts to print from others. Containers that
// come to have the name while it is followed are among them.
func (l *logs) find(word string) (func(record.Record) bool, error) {
	all, err := subjects(l.store)
	if err != nil {
		return nil, err
	}
	if *l.namespace != "" {
		all = slices.DeleteFunc(all, func(c record.Subject) bool { return c.Namespace != *l.namespace })
	}
	found, err := show.Find(word, all)
	if errors.Is(err, show.ErrUnknown) {
		return nil, fmt.Errorf("%w in %s", err, l.store.Dir())
	}
	if err != nil {
		return nil, err
	}
	return func(r record.Record) bool {
		return (l.hook == "" || l.hook == show.Hook(r)) && found.Has(r.Subject)
	}, nil
}

// writer returns what prints records.
func (l *logs) writer() func([]record.Record) error {
	if *l.as == command.AsJSON {
		return l.writeJSON
	}
	text := show.NewLogs(l.out, show.LogOptions{Location: time.Local, Terminal: terminal.Is(l.out), Raw: l.raw})
	return func(records []record.Record) error {
		for _, r := range records {
			if err := text.Write(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func (l *logs) writeJSON(records []record.Record) error {
	attempts := show.Attempts(records, true)
	if !l.follow {
		return command.JSON(l.out, attempts)
	}
	for _, a := range attempts {
		if err := command.JSONLine(l.out, a); err != nil {
			return err
		}
	}
	return nil
}

func oneContainer(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("name one container: its id, name or pod/name")
	}
	return nil
}
