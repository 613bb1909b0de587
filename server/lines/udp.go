// The chat over UDP: which datagram belongs to whom, and who may join.

package lines

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxDatagram    = 1200    // bytes that we send in one, which every network carries whole
	maxReceived    = 8 << 10 // bytes; of a longer datagram the rest is lost
	maxFirstsASec  = 1000    // answers a second to addresses that are no members
	maxReadsFailed = 100     // in sequence
)

// udpServer has the UDP members.
type udpServer struct {
	Options
	conn    *net.UDPConn
	codes   *codes
	trusted func(netip.Addr) bool // joins without a code
	firsts  *rate.Limiter
	running sync.WaitGroup // a goroutine for each member

	mu      sync.Mutex // guards members
	members map[netip.AddrPort]*udpMember
}

// ServeUDP serves the datagrams of conn until ctx is done. Then it says goodbye to everyone and
// closes conn.
func ServeUDP(ctx context.Context, conn *net.UDPConn, o Options) error {
	return newUDPServer(conn, o).serve(ctx)
}

func newUDPServer(conn *net.UDPConn, o Options) *udpServer {
	return &udpServer{
		Options: o.withDefaults(), conn: conn, codes: newCodes(), trusted: netip.Addr.IsLoopback,
		firsts: rate.NewLimiter(maxFirstsASec, maxFirstsASec), members: map[netip.AddrPort]*udpMember{},
	}
}

func (s *udpServer) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		cancel()
		s.running.Wait()
		_ = s.conn.Close()
	}()
	p := make([]byte, maxReceived)
	for failed := 0; failed < maxReadsFailed; {
		n, from, err := s.conn.ReadFromUDPAddrPort(p)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			failed++ // on some systems an earlier datagram could not be delivered
		default:
			failed = 0
			s.received(ctx, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), p[:n])
		}
	}
	return fmt.Errorf("receive datagrams: %d reads in sequence failed", maxReadsFailed)
}

// received gives a datagram to the member that sent it, or has its sender join.
func (s *udpServer) received(ctx context.Context, from netip.AddrPort, p []byte) {
	if s.deliver(from, p) {
		return
	}
	d := parseDatagram(string(p))
	if d.quit {
		return
	}
	name, mayJoin := s.withoutToken(d)
	proven := s.trusted(from.Addr())
	if !proven {
		name, proven = s.withoutCode(from, d.join, name)
	}
	switch {
	case !d.join && !isText(d.text):
		// A browser sends such datagrams for any page, to look for a way through the network.
	case !d.join && !proven, d.heartbeat:
		s.answer(from, p, notHere...)
	case !proven:
		s.answer(from, p, s.codes.answers(from, name)...)
	case !mayJoin:
		s.answer(from, p, noToken...)
	case !s.join(ctx, from, name, d):
		s.answer(from, p, noPlace...)
	}
}

// Answers to datagrams that make nobody a member, the most helpful first.
var (
	notHere = []string{"* you are not here: send JOIN NAME\n", "* JOIN?\n", "?\n"}
	noToken = []string{"* this chat asks for a token: send JOIN NAME TOKEN\n", "* token?\n", "?\n"}
	noPlace = []string{full + "\n", "* full\n", "?\n"}
)

// answer sends the first answer that is no longer than the datagram that it answers, unless there
// are too many to be sent.
func (s *udpServer) answer(to netip.AddrPort, p []byte, answers ...string) {
	if text := choose(string(p), answers); text != "" && s.firsts.Allow() {
		_, _ = s.conn.WriteToUDPAddrPort([]byte(text), to) // as lost as any datagram may be
	}
}

// choose returns the first answer that is no longer than what it answers, if there is one. What
// may itself be an answer has none: two servers, each of which takes the other for a stranger,
// would answer each other for ever. To a code, which does not ask to join, the answer begins so.
func choose(datagram string, answers []string) string {
	if strings.HasPrefix(datagram, "*") || strings.HasPrefix(datagram, "?") {
		return ""
	}
	for _, answer := range answers {
		if len(answer) <= len(datagram) {
			return answer
		}
	}
	return ""
}

// deliver gives a datagram to the member that sent it, if there is one.
func (s *udpServer) deliver(from netip.AddrPort, p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.members[from]
	if m != nil {
		m.received(p)
	}
	return m != nil
}

// withoutToken returns the name in a datagram without the token that follows it, and whether
// that is the right one.
func (s *udpServer) withoutToken(d datagram) (name string, right bool) {
	if s.Token == "" {
		return d.name, true
	}
	name, last := cutLast(d.name)
	return name, d.join && s.isToken(last)
}

// withoutCode returns what follows JOIN without the code at its end, and whether that is the
// sender's.
func (s *udpServer) withoutCode(from netip.AddrPort, join bool, name string) (without string, proven bool) {
	without, last := cutLast(name)
	if join && s.codes.check(from, last) {
		return without, true
	}
	return name, false
}

// cutLast cuts the last word off.
func cutLast(s string) (before, last string) {
	i := strings.LastIndexByte(s, ' ') + 1
	return strings.TrimSpace(s[:i]), s[i:]
}

// join begins to serve a member, and reports false if there are too many.
func (s *udpServer) join(ctx context.Context, from netip.AddrPort, name string, d datagram) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.members) >= s.MaxMembers {
		return false
	}
	m := newUDPMember(s, from)
	s.members[from] = m
	if !d.join && d.text != "" {
		m.received([]byte(d.text))
	}
	s.running.Go(func() { m.serve(ctx, name) })
	return true
}

// remove removes a member, and discards what it has sent since it left.
func (s *udpServer) remove(m *udpMember) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, m.address)
	for len(m.unsaid) > 0 {
		m.count(-len(<-m.unsaid))
	}
}

// datagram is what came in one.
type datagram struct {
	text            string // without the end of its last line
	heartbeat, quit bool
	join            bool
	name            string // after JOIN
}

func parseDatagram(text string) (d datagram) {
	d.text = strings.TrimRight(text, "\r\n")
	switch {
	case word(d.text, "HEARTBEAT"):
		d.heartbeat = true
	case word(d.text, quit):
		d.quit = true
	default:
		d.name, d.join = afterWord(d.text, "JOIN")
	}
	return d
}
