package runtime

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers inside a container, over UDP and TCP. reply gets every
// question, may change the answer that is prepared for it, and returns what is
// sent: nothing, one or several messages.
type nameServer struct {
	mu    sync.Mutex
	asked []string // "A name." or "AAAA name.", and "/tcp"
	reply func(m *dnsmessage.Message, tcp bool) []dnsmessage.Message
}

func (s *nameServer) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// startNameServer listens on port 53 of address inside c.
func (c *netnsChild) startNameServer(t *testing.T, address string, reply func(*dnsmessage.Message, bool) []dnsmessage.Message) *nameServer {
	t.Helper()
	s := &nameServer{reply: reply}
	var udp net.PacketConn
	c.inside(t, func() (err error) {
		udp, err = net.ListenPacket("udp", net.JoinHostPort(address, "53"))
		return err
	})
	tcp := c.listen(t, net.JoinHostPort(address, "53"))
	t.Cleanup(func() { udp.Close() })
	go s.serveUDP(udp)
	go s.serveTCP(tcp)
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
