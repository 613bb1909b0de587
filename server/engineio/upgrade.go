// WebSockets: sessions that begin on one, and sessions that change to one.

package engineio

import (
	"errors"
	"net/http"
	"os"
	"time"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// upgradeTime is how long a WebSocket that is to take over may take for each of its two packets.
const upgradeTime = 10 * time.Second

// eagerTime is how long the poll that waits is kept for clients that send both packets at once. On a busy
// machine it takes some time until the second one is read; npm's server keeps the poll for 100 ms.
const eagerTime = 50 * time.Millisecond

// The packets of an upgrade.
const (
	probePing = "2probe"
	probePong = "3probe"
)

// openWebSocket answers a handshake for a session on a WebSocket.
func (e *Server) openWebSocket(w http.ResponseWriter, r *http.Request) {
	s := e.open(w, r, nil)
	if s == nil {
		return
	}
	// Handle has answered a handshake that it refused.
	if e.sockets.Handle(w, r, nil, s.runner(s.startNew)) != nil {
		s.end(ReasonTransportError, 0)
		s.leave()
	}
}

// runner returns what the goroutine of a WebSocket does: it has start make it carry the session, and
// receives its messages. Its stack is that of every idle session, so it calls few functions deep and
// has few variables, and another goroutine runs start.
func (s *Session) runner(start func(*websocket.Conn) bool) func(*websocket.Conn) {
	return func(c *websocket.Conn) {
		if !elsewhere(start, c) {
			return
		}
		defer s.finish() // also if the handler panics
		for {
			op, p, err := c.NextMessage()
			if err != nil {
				s.lost(err)
				return
			}
			s.receive(op == websocket.Binary, p)
		}
	}
}

// elsewhere calls start in another goroutine and returns its result.
func elsewhere(start func(*websocket.Conn) bool, c *websocket.Conn) bool {
	started := make(chan bool)
	go func() { started <- start(c) }()
	return <-started
}

// startNew sends the packet that opens a session on a WebSocket, and what waits. The caller is busy for
// the session.
func (s *Session) startNew(c *websocket.Conn) bool {
	if c.WriteMessage(websocket.Text, s.appendOpen(nil, false)) == nil && s.attach(c, true) {
		return true
	}
	s.end(ReasonTransportClose, 0)
	closeConn(c, s.reason) // s.reason does not change any more
	s.leave()
	return false
}

// lost ends a session whose WebSocket ended.
func (s *Session) lost(err error) { s.end(s.reasonOf(err), 0) }

// finish ends a session whose goroutine ends.
func (s *Session) finish() {
	s.end(ReasonTransportError, 0)
	s.leave()
}

// reasonOf says why a session ends whose WebSocket ended.
func (s *Session) reasonOf(err error) Reason {
	var closed *websocket.CloseError
	var breach *protocol.Breach
	switch {
	case errors.Is(err, memory.ErrFull), errors.Is(err, memory.ErrTooLarge):
		return ReasonMemory
	case errors.Is(err, websocket.ErrSlowReader):
		return ReasonSlowReader
	case errors.As(err, &breach):
		return ReasonTransportError
	case errors.As(err, &closed) && s.server.isClosed():
		return ReasonShutdown
	}
	return ReasonTransportClose
}

func (e *Server) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// attach has a WebSocket carry the session and sends what waits. busy says that the caller is. It
// reports whether the session is carried by it.
func (s *Session) attach(c *websocket.Conn, busy bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != 0 || s.busy != busy {
		return false
	}
	c.OnDrain(s.onDrain)
	if p := s.polling; p != nil {
		if frames := frames(p.out); len(frames) > 0 && c.SendAll(frames) != nil {
			return false
		}
		s.queued.Add(1)
		p.moved, p.out = true, nil
		p.wakeUnlessDelivering()
		s.server.options.Memory.Close(&p.account)
	}
	s.busy, s.polling = true, nil
	s.conn.Store(c)
	return true
}

// frames returns the packets of a payload, made by this server, as messages of a WebSocket.
func frames(payload []byte) (all []*websocket.Prepared) {
	for len(payload) > 0 {
		var packet []byte
		packet, payload = nextPacket(payload)
		switch packet[0] {
		case packetNoop:
		case binaryPrefix:
			decoded, _ := decodeBinary(nil, packet) // appendPacket encoded it
			all = append(all, prepare(websocket.Binary, decoded).frame)
		default:
			all = append(all, prepare(websocket.Text, packet).frame)
		}
	}
	return all
}

// upgrade answers the handshake of a WebSocket that is to take over a session that polls.
func (s *Session) upgrade(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.polling
	claimed := p != nil && !p.upgrading && s.reason == 0
	if claimed {
		p.used, p.upgrading = true, true
	}
	s.mu.Unlock()
	if !claimed {
		_ = s.server.sockets.Handle(w, r, nil, closeSecond)
		return
	}
	if s.server.sockets.Handle(w, r, nil, s.runner(s.startUpgrade)) != nil {
		s.endUpgrade()
	}
}

// closeSecond closes a WebSocket of a session that has one already, or has ended. The session goes on.
func closeSecond(c *websocket.Conn) {
	_ = c.Close(protocol.ClosePolicy, "this session has a WebSocket already, or has ended")
}

// startUpgrade has a WebSocket take over a session, or closes it.
func (s *Session) startUpgrade(c *websocket.Conn) bool {
	if s.takeOver(c) {
		return true
	}
	s.endUpgrade()
	_ = c.Close(protocol.ClosePolicy, "no upgrade: the session goes on without this WebSocket, or has ended")
	return false
}

// takeOver tries the WebSocket with the packets of an upgrade, and has it carry the session.
func (s *Session) takeOver(c *websocket.Conn) bool {
	if !s.beginProbe(c) || !expect(c, probePing) {
		return false
	}
	if c.WriteMessage(websocket.Text, []byte(probePong)) != nil {
		return false
	}
	// A client that did not wait for the answer has sent its packet already. Then a poll that has
	// overtaken the probe is refused, as one that comes later is.
	is, err := next(c, string(rune(packetUpgrade)), eagerTime)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.releasePoll()
		is = expect(c, string(rune(packetUpgrade)))
	}
	return is && c.SetReadDeadline(time.Time{}) == nil && s.attach(c, false)
}

// expect reports whether the next message is this packet.
func expect(c *websocket.Conn, packet string) bool {
	is, _ := next(c, packet, upgradeTime)
	return is
}

// next waits for the next message, and reports whether it is this packet.
func next(c *websocket.Conn, packet string, within time.Duration) (bool, error) {
	_ = c.SetReadDeadline(time.Now().Add(within))
	op, p, err := c.NextMessage()
	return err == nil && op == websocket.Text && string(p) == packet, err
}

// beginProbe has the end of the session close the WebSocket, too.
func (s *Session) beginProbe(c *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == 0 {
		s.polling.probe = c
	}
	return s.reason == 0
}

// releasePoll answers the poll that waits, so that the client can stop polling.
func (s *Session) releasePoll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.polling
	p.probed = true
	if p.wake != nil && len(p.out) == 0 {
		s.appendOut(false, []byte{packetNoop})
		p.wakeUnlessDelivering()
	}
}

// endUpgrade lets another WebSocket try, and polls wait as before.
func (s *Session) endUpgrade() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.polling; p != nil {
		p.upgrading, p.probed, p.probe = false, false, nil
		p.wakeUnlessDelivering() // one that pauses for the upgrade is to wait for packets instead
	}
}
