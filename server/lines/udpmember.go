// One UDP member: what it says, what it is sent, and its heartbeat.

package lines

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"framescope/server/chat"
)

// Limits of what waits to be said of a member, in datagrams and in bytes. Of more the chat is told
// nothing: a sender of datagrams has to expect that some are lost.
const (
	maxUnsaid      = 64
	maxUnsaidBytes = 32 << 10
)

// udpMember is a member, or an address that is about to be one.
type udpMember struct {
	server  *udpServer
	address netip.AddrPort
	out     *outbox
	unsaid  chan string
	size    atomic.Int64  // bytes, of unsaid
	alive   chan struct{} // of capacity one: something came from it
	ended   chan struct{} // closed by end
	end     func()
}

func newUDPMember(s *udpServer, address netip.AddrPort) *udpMember {
	m := &udpMember{
		server: s, address: address,
		unsaid: make(chan string, maxUnsaid), alive: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	m.end = sync.OnceFunc(func() { close(m.ended) })
	m.out = newOutbox(s.Memory, m.write, m.end)
	return m
}

// received takes a datagram of the member. It does not wait; the server's mutex is held.
func (m *udpMember) received(p []byte) {
	select {
	case m.alive <- struct{}{}:
	default:
	}
	if len(m.unsaid) == maxUnsaid || m.size.Load() >= maxUnsaidBytes {
		return
	}
	p = p[:min(len(p), maxLine+len("\r\n")+1)] // enough to see that it is too long
	m.count(len(p))
	m.unsaid <- string(p)
}

// count adds bytes, which may be negative, to what waits to be said.
func (m *udpMember) count(bytes int) {
	m.size.Add(int64(bytes))
	if bytes > 0 {
		m.server.Memory.AddShared(int64(bytes))
	} else {
		m.server.Memory.SubShared(int64(-bytes))
	}
}

// serve joins the chat and says what comes, until the member quits or is silent for too long.
func (m *udpMember) serve(ctx context.Context, name string) {
	member, err := m.server.Chat.Join(m.out, room, name)
	if err != nil {
		m.server.remove(m)
		_ = m.write([]string{"* " + err.Error()}) // as lost as any datagram may be
		return
	}
	var writes sync.WaitGroup
	writes.Go(func() { m.out.run(member.Drained) })
	said := make(chan bool, 1)
	writes.Go(func() { said <- m.readAll(member) })
	why := m.watch(ctx, said)
	m.out.finish("")
	m.end()
	writes.Wait()
	why = m.out.whyEnded(why)
	member.Leave(why)
	m.server.remove(m)
	m.server.Log.Info("chat member left", "remote", "udp "+m.address.String(), "room", room, "name", member.Name(), "why", why)
	// Now name and address are free: the peer can join again.
	last := goodbye
	if why != quit {
		last += ": " + why
	}
	_ = m.write([]string{last})
}

// watch waits until the member has to leave, and returns why.
func (m *udpMember) watch(ctx context.Context, quitted <-chan bool) (why string) {
	silent := time.NewTimer(m.server.HeartbeatTimeout)
	defer silent.Stop()
	for {
		select {
		case <-quitted:
			return quit
		case <-m.alive:
			silent.Reset(m.server.HeartbeatTimeout)
		case <-silent.C:
			return timedOut
		case <-m.ended:
			return tooSlow
		case <-ctx.Done():
			return shuttingDown
		}
	}
}

// readAll says what comes, and returns whether the member quit: otherwise it has ended.
func (m *udpMember) readAll(member *chat.Member) bool {
	for {
		select {
		case text := <-m.unsaid:
			m.count(-len(text))
			if m.say(member, text) {
				return true
			}
		case <-m.ended:
			return false
		}
	}
}

// say handles a datagram, and reports whether the member quits.
func (m *udpMember) say(member *chat.Member, text string) (quits bool) {
	switch d := parseDatagram(text); {
	case d.heartbeat:
	case d.quit:
		return true
	case d.join: // sent again, since the first answer was lost
		member.Tell("* you are " + member.Name() + " in " + member.Room())
	case len(d.text) > maxLine:
		member.Tell("* " + errTooLong.Error() + ": that one was not said")
	default:
		return member.Say(d.text)
	}
	return false
}

// write sends each line as a datagram that ends with LF. A longer line takes several, of which
// only the last does.
func (m *udpMember) write(lines []string) error {
	var datagram [maxDatagram]byte
	for _, line := range lines {
		for rest := line + "\n"; rest != ""; {
			n := copy(datagram[:], rest)
			for n < len(rest) && !utf8.RuneStart(rest[n]) {
				n--
			}
			// What cannot be sent is as lost as any datagram may be.
			_, _ = m.server.conn.WriteToUDPAddrPort(datagram[:n], m.address)
			rest = rest[n:]
		}
	}
	return nil
}
