package hooks

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// handshakeError is an error of a TLS handshake on a connection that stands.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// dialError is an error of the [Network] in the course of a request, which may
// have had connections before.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// NetworkFailure returns the report for an error that a [Network], or the
// making of one, returned before there was a connection. The cause is taken
// from the error's type: [ErrGone], [*net.DNSError], [*net.OpError];
// everything else is bookend's own fault.
func NetworkFailure(err error) Report {
	return networkFailure(err, CauseInternal)
}

// exchangeFailure returns the report for an error of a request that had a
// connection: what is neither the connection's nor TLS' fault is the server's.
// No one can tell an answer that breaks off inside a line, because the server ended,
// from nonsense: it is Suspect.
func exchangeFailure(err error) Report {
	r := networkFailure(err, CauseProtocol)
	r.Suspect = r.Suspect || r.Cause == CauseProtocol
	return r
}

func networkFailure(err error, otherwise Cause) Report {
	r := Report{Cause: otherwise, Err: err}
	var dns *net.DNSError
	switch {
	case errors.Is(err, ErrGone):
		r.Cause, r.Suspect = CauseGone, true
	case errors.Is(err, errRedirect):
		r.Cause = CauseRedirect
	case exhausted(err):
		r.Cause = CauseInternal
	case errors.As(err, &dns):
		// A server that says "no such name" was there to say it; one that
		// says nothing may have been the container's own.
		r.Cause, r.Suspect = CauseResolve, !dns.IsNotFound
	case alert(err):
		r.Cause = CauseTLS
	case lost(err):
		r.Cause, r.Suspect = CauseConnect, true
	case errors.As(err, new(*handshakeError)):
		r.Cause = CauseTLS
	}
	return r
}

// exhausted tells whether the node itself had nothing left to connect with.
func exhausted(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// alert tells whether TLS ended with an alert of either side. crypto/tls has no
// exported type for that; the operation's name is its mark. With TLS 1.3 one
// may come after the handshake.
func alert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// lost tells whether a connection did not come about or broke. An init's exit
// does either.
func lost(err error) bool {
	return errors.As(err, new(*net.OpError)) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
