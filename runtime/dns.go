package runtime

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
	"slices"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

// maxDatagram is the most of one UDP answer that is read. Nothing over 512
// bytes is asked for.
const maxDatagram = 4096

// resolve asks for the addresses of the absolute name, IPv4 and IPv6 at once,
// and returns IPv4 first. One family's failure does not matter where the other
// has an address.
func (n *Network) resolve(ctx context.Context, conf resolvConf, name string) ([]netip.Addr, error) {
	type result struct {
		addrs []netip.Addr
		err   error
	}
	v6 := make(chan result, 1)
	go func() {
		var r result
		r.err = hooks.Recovered(func() (err error) {
			r.addrs, err = n.ask(ctx, conf, name, dnsmessage.TypeAAAA)
			return err
		})
		v6 <- r
	}()
	four, err4 := n.ask(ctx, conf, name, dnsmessage.TypeA)
	six := <-v6
	addrs := slices.Concat(four, six.addrs)
	switch {
	case len(addrs) > 0:
		return addrs, nil
	case errors.Is(err4, errNoSuchHost):
		return nil, six.err
	default:
		return nil, err4
	}
}

// ask puts one question to conf's servers until one of them knows: addresses,
// or [errNoSuchHost]. Servers that fail are [errServFail] in the end, servers
// that can't be reached [errNotResponded].
func (n *Network) ask(ctx context.Context, conf resolvConf, name string, typ dnsmessage.Type) ([]netip.Addr, error) {
	first := 0
	if conf.rotate {
		first = rand.IntN(len(conf.servers))
	}
	failure := errNotResponded
	for i := range conf.attempts * len(conf.servers) {
		server := conf.servers[(first+i)%len(conf.servers)]
		a, err := n.exchange(ctx, conf, server, name, typ)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			if !errors.Is(failure, errServFail) {
				failure = fmt.Errorf("%w: %w", errNotResponded, err)
			}
		case a.rcode == dnsmessage.RCodeNameError, a.rcode == dnsmessage.RCodeSuccess && len(a.addrs) == 0:
			return nil, errNoSuchHost
		case a.rcode == dnsmessage.RCodeSuccess:
			return a.addrs, nil
		default:
			failure = errServFail
		}
	}
	return nil, failure
}

// exchange puts the question to one server, over UDP and, when the answer is
// truncated, over TCP, within conf.timeout each.
func (n *Network) exchange(ctx context.Context, conf resolvConf, server netip.AddrPort, name string, typ dnsmessage.Type) (answer, error) {
	q, err := newQuestion(name, typ)
	if err != nil {
		return answer{}, err
	}
	if !conf.tcp {
		a, err := n.roundTrip(ctx, conf.timeout, unix.SOCK_DGRAM, server, q, askDatagram)
		if err != nil || !a.truncated {
			return a, err
		}
	}
	return n.roundTrip(ctx, conf.timeout, unix.SOCK_STREAM, server, q, askStream)
}

// roundTrip connects to server and talks to it until the timeout has passed or
// ctx is done. A connected datagram socket receives from its peer only, so an
// answer's source is checked by the kernel.
func (n *Network) roundTrip(
	ctx context.Context, timeout time.Duration, typ int, server netip.AddrPort, q question,
	talk func(net.Conn, question) (answer, error),
) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, os.ErrDeadlineExceeded)
	defer cancel()
	conn, err := n.dial(ctx, typ, server)
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
