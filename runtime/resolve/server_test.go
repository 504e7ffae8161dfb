package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// container is what one has to do with names: its files, and the name servers that
// it reaches, by the addresses that they have for it.
type container struct {
	conf    string
	servers map[string]*nameServer
}

func withResolvConf(_ *testing.T, conf string) *container {
	return &container{conf: conf, servers: map[string]*nameServer{}}
}

func (c *container) lookup(t *testing.T, host string) ([]netip.Addr, error) {
	return New([]byte("10.1.1.1 listed\n"), []byte(c.conf), c.dial).Lookup(t.Context(), host)
}

func (c *container) dial(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error) {
	s := c.servers[server.Addr().String()]
	if s == nil || server.Port() != dnsPort {
		return nil, syscall.ECONNREFUSED
	}
	return (&net.Dialer{}).DialContext(ctx, network, map[string]net.Addr{"udp": s.udp, "tcp": s.tcp}[network].String())
}

func (c *container) expectLookup(t *testing.T, host string, want ...string) {
	t.Helper()
	addrs, err := c.lookup(t, host)
	var got []string
	for _, a := range addrs {
		got = append(got, a.String())
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %v, %v, want %v", host, got, err, want)
	}
}

func (c *container) expectLookupError(t *testing.T, host string, want error, missing bool) {
	t.Helper()
	addrs, err := c.lookup(t, host)
	var dns *net.DNSError
	if !errors.As(err, &dns) || !errors.Is(err, want) || dns.IsNotFound != missing || dns.IsTemporary == missing {
		t.Errorf("%s: %v, %#v, want %v", host, addrs, err, want)
	}
}

// nameServer answers over UDP and TCP. reply gets every question, may change the
// answer that is prepared for it, and returns what is sent: nothing, one or several
// messages.
type nameServer struct {
	udp, tcp net.Addr
	reply    func(m *dnsmessage.Message, tcp bool) []dnsmessage.Message

	mu    sync.Mutex
	asked []string // "A name." or "AAAA name.", and "/tcp"
}

func (s *nameServer) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// startNameServer starts what c reaches as address.
func (c *container) startNameServer(t *testing.T, address string, reply func(*dnsmessage.Message, bool) []dnsmessage.Message) *nameServer {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	s := &nameServer{udp: udp.LocalAddr(), tcp: tcp.Addr(), reply: reply}
	go s.serveUDP(udp)
	go s.serveTCP(tcp)
	c.servers[address] = s
	return s
}

func (s *nameServer) serveUDP(conn net.PacketConn) {
	buf := make([]byte, 1<<12)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		for _, m := range s.answer(buf[:n], false) {
			_, _ = conn.WriteTo(m, from)
		}
	}
}

func (s *nameServer) serveTCP(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err == nil {
			buf := make([]byte, binary.BigEndian.Uint16(size[:]))
			_, _ = io.ReadFull(conn, buf)
			for _, m := range s.answer(buf, true) {
				_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
			}
		}
		conn.Close()
	}
}

func (s *nameServer) answer(message []byte, tcp bool) [][]byte {
	var m dnsmessage.Message
	if m.Unpack(message) != nil || len(m.Questions) != 1 {
		return nil
	}
	what := "A "
	if m.Questions[0].Type == dnsmessage.TypeAAAA {
		what = "AAAA "
	}
	what += m.Questions[0].Name.String()
	if tcp {
		what += "/tcp"
	}
	s.mu.Lock()
	s.asked = append(s.asked, what)
	s.mu.Unlock()
	m.Response = true
	var out [][]byte
	for _, r := range s.reply(&m, tcp) {
		if packed, err := r.Pack(); err == nil {
			out = append(out, packed)
		}
	}
	return out
}

// zone answers A questions from addrs, and says NXDOMAIN to all else.
func zone(addrs map[string]string) func(*dnsmessage.Message, bool) []dnsmessage.Message {
	return func(m *dnsmessage.Message, _ bool) []dnsmessage.Message {
		q := m.Questions[0]
		addr, ok := addrs[strings.ToLower(q.Name.String())]
		switch {
		case !ok:
			m.RCode = dnsmessage.RCodeNameError
		case q.Type == dnsmessage.TypeA:
			addA(m, q.Name.String(), addr)
		}
		return []dnsmessage.Message{*m}
	}
}

func addA(m *dnsmessage.Message, owner, addr string) {
	m.Answers = append(m.Answers, dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(owner), Class: dnsmessage.ClassINET, TTL: 1},
		Body:   &dnsmessage.AResource{A: [4]byte(net.ParseIP(addr).To4())},
	})
}

func addCNAME(m *dnsmessage.Message, owner, target string) {
	m.Answers = append(m.Answers, dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(owner), Class: dnsmessage.ClassINET, TTL: 1},
		Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target)},
	})
}
