// A session: one peer, from its handshake to its end, whatever carries its messages.

package engineio

import (
	"crypto/rand"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"framescope/protocol"
	"framescope/server/memory"
	"framescope/server/websocket"
)

// Session is one peer. It begins with polling or on a WebSocket, and may change from the first to
// the second. All methods may be called from any goroutine at any time.
type Session struct {
	server  *Server
	id      string
	handler Handler
	conn    atomic.Pointer[websocket.Conn] // that carries the session; nil while requests do
	over    atomic.Bool                    // reason is set
	heard   atomic.Bool                    // a message has come since the last ping
	queued  atomic.Uint32                  // how often something was queued on conn
	drained atomic.Uint32                  // what queued was when conn had sent all of that
	behind  atomic.Int32                   // bytes that SendAll has queued since conn had sent all
	awaited atomic.Bool                    // a goroutine is in awaitDrain

	mu     sync.Mutex // guards the fields below; never held while anything waits
	reason Reason     // why it ended, 0 while it has not
	// busy says that a goroutine makes the session, or receives its messages. That one calls the
	// handler's Closed, so that it is the last call.
	busy    bool
	pinged  bool       // a ping is not answered yet
	greeted bool       // the time for the first request after the handshake is over
	flow    *sync.Cond // of the goroutines in awaitDrain, nil until the first
	waiting uint32     // how many those are
	drains  uint32     // how often the queue was empty while one waited
	timer   *time.Timer
	due     moment   // when the timer is to run
	polling *polling // what waits for requests; nil if nothing does
}

// newSession returns a session that the caller makes: it is busy until leave.
func newSession(e *Server, p *polling) *Session {
	return &Session{server: e, id: rand.Text(), busy: true, polling: p}
}

// ID returns the session's id: 26 characters that nobody can guess.
func (s *Session) ID() string { return s.id }

// Polling reports whether requests carry the session, and no WebSocket.
func (s *Session) Polling() bool { return s.conn.Load() == nil }

// Close ends the session. What was sent before is delivered if the peer fetches it soon; no message
// of the peer is received any more. Close does not wait.
func (s *Session) Close() { s.end(ReasonForcedClose, packetClose) }

// CloseFor is Close for a reason, which a peer that has a WebSocket is told with the close code 1008.
func (s *Session) CloseFor(why string) {
	s.endFor(ReasonForcedClose, packetClose, func(c *websocket.Conn) {
		_ = c.Close(protocol.ClosePolicy, strings.ToValidUTF8(why, "\ufffd"))
	})
}

// end ends the session for the first reason that is given. farewell is the packet that answers the
// poll that waits, or the next one if nothing has failed; 0 is for none.
func (s *Session) end(reason Reason, farewell byte) {
	s.endFor(reason, farewell, func(c *websocket.Conn) { closeConn(c, reason) })
}

// endFor is end with what closes the session's WebSocket, in a goroutine of its own.
func (s *Session) endFor(reason Reason, farewell byte, closeConn func(*websocket.Conn)) {
	s.mu.Lock()
	if s.reason != 0 {
		s.mu.Unlock()
		return
	}
	s.reason = reason
	s.over.Store(true)
	conn, awaited := s.conn.Load(), false
	if p := s.polling; p != nil {
		conn = p.probe
		awaited = s.bidFarewell(farewell)
	}
	if awaited {
		s.schedule(farewellTime)
	} else if s.timer != nil {
		s.timer.Stop()
	}
	abandoned := !s.busy
	s.busy = true
	s.mu.Unlock()
	if conn != nil && conn.Err() == nil {
		go closeConn(conn)
	}
	if !awaited {
		s.discard()
	}
	if abandoned {
		go s.callClosed()
	}
}

// discard forgets a session that has ended.
func (s *Session) discard() {
	s.server.remove(s)
	s.mu.Lock()
	p := s.polling
	if s.timer != nil {
		s.timer.Stop()
	}
	if p != nil && p.wake == nil {
		p.out = nil
	}
	s.mu.Unlock()
	if p != nil {
		s.server.options.Memory.Close(&p.account)
	}
}

// closeConn closes the WebSocket of a session that ended.
func closeConn(c *websocket.Conn, reason Reason) {
	switch reason {
	case ReasonTransportClose, ReasonForcedClose:
		_ = c.Close(protocol.CloseNormal, "")
	case ReasonShutdown:
		_ = c.Close(protocol.CloseGoingAway, reason.String())
	case ReasonSlowReader:
		c.CloseNow() // it would not read a close frame either
	default:
		_ = c.Close(protocol.ClosePolicy, reason.String())
	}
}

// leave ends what busy says. If the session has ended, the handler learns of it now.
func (s *Session) leave() {
	s.mu.Lock()
	over := s.reason != 0
	s.busy = over
	s.mu.Unlock()
	if over {
		s.callClosed()
	}
}

// callClosed tells the handler that the session has ended.
func (s *Session) callClosed() {
	defer s.server.calls.Done()
	defer func() {
		if fault := recover(); fault != nil {
			s.server.options.Log.Error("an Engine.IO handler panicked when its session ended", "panic", fault, "stack", string(debug.Stack()))
		}
	}()
	s.handler.Closed(s.reason)
}

// Evict implements [memory.Holder].
func (s *Session) Evict(bool) { go s.end(ReasonMemory, 0) }

var _ memory.Holder = (*Session)(nil)

// receive handles a message of a WebSocket, or a packet of a payload that is not binary.
func (s *Session) receive(binary bool, p []byte) {
	if s.over.Load() {
		return
	}
	if !s.heard.Load() {
		s.heard.Store(true)
	}
	if binary {
		s.handler.Message(true, p)
		return
	}
	if len(p) == 0 {
		s.end(ReasonParseError, packetClose)
		return
	}
	switch p[0] {
	case packetMessage:
		s.handler.Message(false, p[1:])
	case packetPong:
		s.pong()
	case packetClose:
		s.end(ReasonTransportClose, packetNoop)
	case packetUpgrade, packetNoop:
	default:
		s.end(ReasonParseError, packetClose)
	}
}

// openPolling answers a handshake for long polling.
func (e *Server) openPolling(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuse(w, errMethod)
		return
	}
	s := e.open(w, r, new(polling))
	if s == nil {
		return
	}
	s.leave()
	answer(w, s.appendOpen(nil, true))
}
