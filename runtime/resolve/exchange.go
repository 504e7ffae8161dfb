package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxDatagram is the most of one UDP answer that is read. Nothing over 512
// bytes is asked for.
const maxDatagram = 4096

// ask puts one question to the servers until one of them knows: addresses,
// or [ErrNoSuchHost]. Servers that fail are [ErrServFail] in the end, servers
// that can't be reached [ErrNotResponded].
func (r *Resolver) ask(ctx context.Context, name string, typ dnsmessage.Type) ([]netip.Addr, error) {
	first := 0
	if r.conf.rotate {
		first = rand.IntN(len(r.conf.servers))
	}
	failure := ErrNotResponded
	for i := range r.conf.attempts * len(r.conf.servers) {
		server := r.conf.servers[(first+i)%len(r.conf.servers)]
		a, err := r.exchange(ctx, server, name, typ)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			if !errors.Is(failure, ErrServFail) {
				failure = fmt.Errorf("%w: %w", ErrNotResponded, err)
			}
		case a.rcode == dnsmessage.RCodeNameError, a.rcode == dnsmessage.RCodeSuccess && len(a.addrs) == 0:
			return nil, ErrNoSuchHost
		case a.rcode == dnsmessage.RCodeSuccess:
			return a.addrs, nil
		default:
			failure = ErrServFail
		}
	}
	return nil, failure
}

// exchange puts the question to one server, over UDP and, when the answer is
// truncated, over TCP, within the timeout each.
func (r *Resolver) exchange(ctx context.Context, server netip.AddrPort, name string, typ dnsmessage.Type) (answer, error) {
	q, err := newQuestion(name, typ)
	if err != nil {
		return answer{}, err
	}
	if !r.conf.tcp {
		a, err := r.roundTrip(ctx, "udp", server, q, askDatagram)
		if err != nil || !a.truncated {
			return a, err
		}
	}
	return r.roundTrip(ctx, "tcp", server, q, askStream)
}

// roundTrip connects to server and talks to it until the timeout has passed or
// ctx is done.
func (r *Resolver) roundTrip(
	ctx context.Context, network string, server netip.AddrPort, q question,
	talk func(net.Conn, question) (answer, error),
) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.conf.timeout, os.ErrDeadlineExceeded)
	defer cancel()
	conn, err := r.dial(ctx, network, server)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = conn.Close() }()
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	defer stop()
	return talk(conn, q)
}

// askDatagram ignores whatever is no answer to q: it may have been forged.
func askDatagram(conn net.Conn, q question) (answer, error) {
	if _, err := conn.Write(q.message); err != nil {
		return answer{}, err
	}
	buf := make([]byte, maxDatagram)
	for {
		size, err := conn.Read(buf)
		if err != nil {
			return answer{}, err
		}
		if a, err := q.parse(buf[:size]); err == nil {
			return a, nil
		}
	}
}

// askStream frames messages with their length in two bytes (RFC 1035, 4.2.2).
func askStream(conn net.Conn, q question) (answer, error) {
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(q.message)))
	if _, err := conn.Write(append(framed, q.message...)); err != nil {
		return answer{}, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return answer{}, err
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return answer{}, err
	}
	return q.parse(buf)
}
