package resolve

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// maxAliases is how many CNAMEs of one answer are followed.
const maxAliases = 16

// question is one question to a name server, ready to be sent.
type question struct {
	id      uint16
	q       dnsmessage.Question
	message []byte
}

// answer is what a name server said to a question.
type answer struct {
	rcode     dnsmessage.RCode
	truncated bool
	addrs     []netip.Addr
}

// newQuestion asks for name, absolute, with an unpredictable id: math/rand/v2's
// own generator is the runtime's ChaCha8, seeded by the kernel.
func newQuestion(name string, typ dnsmessage.Type) (question, error) {
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return question{}, err
	}
	q := question{
		id: uint16(rand.Uint32()),
		q:  dnsmessage.Question{Name: n, Type: typ, Class: dnsmessage.ClassINET},
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{q.q},
	}
	q.message, err = m.Pack()
	return q, err
}

// parse reads an answer to q. The error is [ErrBadResponse] for anything that
// is not one: another id, another question, a message that breaks off.
func (q question) parse(message []byte) (answer, error) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrBadResponse, err)
	}
	asked, err := p.AllQuestions()
	if err != nil || !header.Response || header.ID != q.id || len(asked) != 1 || !q.same(asked[0]) {
		return answer{}, ErrBadResponse
	}
	a := answer{rcode: header.RCode, truncated: header.Truncated}
	if a.truncated || a.rcode != dnsmessage.RCodeSuccess {
		return a, nil
	}
	records, err := q.records(&p)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrBadResponse, err)
	}
	a.addrs = records.follow(canonical(q.q.Name))
	return a, nil
}

func (q question) same(other dnsmessage.Question) bool {
	return other.Type == q.q.Type && other.Class == q.q.Class && canonical(other.Name) == canonical(q.q.Name)
}

func canonical(n dnsmessage.Name) string { return strings.ToLower(n.String()) }

// records is an answer's addresses and aliases by their owner.
type records struct {
	addrs   map[string][]netip.Addr
	aliases map[string]string
}

// follow returns the addresses of name, or of what it is an alias of. Records
// of other names are not asked for and not believed.
func (r records) follow(name string) []netip.Addr {
	for range maxAliases {
		if addrs := r.addrs[name]; len(addrs) > 0 {
			return addrs
		}
		next, ok := r.aliases[name]
		if !ok {
			return nil
		}
		name = next
	}
	return nil
}

// records reads the answer section, of which only the addresses of q's type
// and the aliases count.
func (q question) records(p *dnsmessage.Parser) (records, error) {
	r := records{addrs: map[string][]netip.Addr{}, aliases: map[string]string{}}
	all, err := p.AllAnswers()
	if err != nil {
		return r, err
	}
	for _, res := range all {
		owner := canonical(res.Header.Name)
		switch body := res.Body.(type) {
		case *dnsmessage.CNAMEResource:
			r.aliases[owner] = canonical(body.CNAME)
		case *dnsmessage.AResource:
			if q.q.Type == dnsmessage.TypeA {
				r.addrs[owner] = append(r.addrs[owner], netip.AddrFrom4(body.A))
			}
		case *dnsmessage.AAAAResource:
			if q.q.Type == dnsmessage.TypeAAAA {
				r.addrs[owner] = append(r.addrs[owner], netip.AddrFrom16(body.AAAA))
			}
		}
	}
	return r, nil
}
