package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks/record"
)

// logReader takes what a log has.
type logReader struct {
	head   func(hooksapi.About)
	record func(record.Record) error
	note   func(string) // of what is not in it
}

// read reads a log to its end. One that ends within a line was cut off.
func (l logReader) read(ctx context.Context, body io.Reader) error {
	lines := json.NewDecoder(body)
	for {
		var line hooksapi.LogLine
		err := lines.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("%w: %w", errCut, err)
		case line.Error != "":
			return fmt.Errorf("%w: %s", errAgent, line.Error)
		}
		if err := l.take(line); err != nil {
			return err
		}
	}
}

func (l logReader) take(line hooksapi.LogLine) error {
	switch {
	case line.Head != nil:
		l.head(*line.Head)
	case line.Record != nil:
		return l.record(line.Record.Read())
	case line.Omitted > 0:
		l.note(fmt.Sprintf("%d older records are left out: read them on the node, with bookend history", line.Omitted))
	case line.Unreadable > 0:
		l.note(fmt.Sprintf("%d unreadable files among the node's records were passed over", line.Unreadable))
	}
	return nil
}
