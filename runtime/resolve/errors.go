package resolve

import (
	"errors"
	"net"

	"bookend.dev/bookend/hooks"
)

// Why a name has no addresses.
var (
	ErrNoSuchHost   = errors.New("no such host")
	ErrServFail     = errors.New("name server failed")
	ErrBadResponse  = errors.New("invalid DNS response")
	ErrInvalidName  = errors.New("invalid host name")
	ErrNotResponded = errors.New("name servers did not respond")
)

// Error is err, for which host has no addresses, as package net has such errors.
func Error(host string, err error) error {
	missing := errors.Is(err, ErrNoSuchHost) || errors.Is(err, ErrInvalidName)
	return &net.DNSError{
		UnwrapErr:   err,
		Err:         err.Error(),
		Name:        host,
		IsTimeout:   errors.Is(err, ErrNotResponded) || errors.Is(err, hooks.ErrTimeout),
		IsTemporary: !missing,
		IsNotFound:  missing,
	}
}
