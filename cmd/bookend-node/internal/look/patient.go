package look

import (
	"net/http"
	"time"
)

// patient writes to a client that takes what is written within a time, each time:
// a client that takes nothing does not hold a request for ever.
type patient struct {
	http.ResponseWriter
	patience time.Duration
}

// Write implements [http.ResponseWriter].
func (p patient) Write(b []byte) (int, error) {
	if err := http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(p.patience)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] find what flushes.
func (p patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }
