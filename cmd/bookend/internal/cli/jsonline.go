package cli

import (
	"encoding/json"
	"io"
)

// printJSONLine prints one document on one line, by one write.
func printJSONLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
