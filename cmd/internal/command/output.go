package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
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

func encode(w io.Writer, v any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(v)
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
