package command

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/terminal"
)

// Format is how a command prints: "table" or "json".
type Format string

// Every format there is.
const (
	AsTable Format = "table" // for people
	AsJSON  Format = "json"  // for programs
)

// Set implements [pflag.Value].
func (f *Format) Set(s string) error {
	if s != string(AsTable) && s != string(AsJSON) {
		return errFormat
	}
	*f = Format(s)
	return nil
}

// String implements [pflag.Value].
func (f *Format) String() string { return string(*f) }

// Type implements [pflag.Value].
func (f *Format) Type() string { return "format" }

// OutputFlag adds -o to a command.
func OutputFlag(cmd *cobra.Command) *Format {
	f := AsTable
	cmd.Flags().VarP(&f, "output", "o", "table for people or json for programs")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return &f
}

// JSON prints one indented document.
func JSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// JSONLine prints one document on one line, by one write.
func JSONLine(w io.Writer, v any) error { return encode(w, v, "") }

// encode escapes in strings what a terminal would act on, rather than show: JSON's own
// rules leave it most of these characters. Outside of strings there is none.
func encode(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(terminal.EscapeJSON(text.Bytes()))
	return err
}

// Table prints rows under a header, in columns. An empty cell is "-".
func Table(w io.Writer, header []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, strings.Join(header, "\t"))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = cmp.Or(cell, "-")
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}
