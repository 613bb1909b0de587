// How a socket begins and ends.

package socketio

import (
	"time"

	"framescope/server/engineio"
)

// connectPause is the time between the CONNECT and what the handler of OnConnect sent. Some clients,
// the protocol's public tests among them, wait for one message after the other: with those of one
// read, JavaScript calls back for the second before the program waits for it.
const connectPause = 10 * time.Millisecond

// accept sends the CONNECT, and what is held.
func (s *Socket) accept() {
	text := appendHead([]byte{engineio.TextPrefix}, kindConnect, 0, s.namespace.name, noID)
	text = appendString(append(text, `{"sid":`...), s.id)
	if s.pid != "" {
		text = appendString(append(text, `,"pid":`...), s.pid)
	}
	session := s.client.session
	s.mu.Lock()
	_ = session.Queue(engineio.PreparePacket(append(text, '}'))) // a failure has ended the session
	s.accepted = true
	gone := s.state.Load() == stateGone
	switch {
	case gone:
	case len(s.held) == 0 || session.Polling():
		s.open()
	default:
		time.AfterFunc(connectPause, s.sendHeld)
	}
	reason := s.reason
	s.mu.Unlock()
	if gone { // Disconnect was called meanwhile
		s.sendDisconnect()
		s.disconnected(reason)
	}
}

// open sends what is held; mu is held.
func (s *Socket) open() {
	for _, packet := range s.held {
		_ = s.client.session.Queue(packet...) // a failure has ended the session
	}
	s.held = nil
	s.state.Store(stateConnected)
}

// sendHeld sends what is held, if the socket is accepted.
func (s *Socket) sendHeld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepted && s.state.Load() == stateConnecting {
		s.open()
	}
}

// Disconnect disconnects the client from the namespace. Its other namespaces go on.
func (s *Socket) Disconnect() {
	s.sendHeld()
	if s.state.Load() == stateConnected {
		s.sendDisconnect()
	}
	s.end(ServerDisconnect)
}

func (s *Socket) sendDisconnect() {
	text := appendHead([]byte{engineio.TextPrefix}, kindDisconnect, 0, s.namespace.name, noID)
	_ = s.client.session.Queue(engineio.PreparePacket(text)) // a failure has ended the session
}

// end ends the socket for the first reason that is given.
func (s *Socket) end(reason Reason) {
	s.mu.Lock()
	if s.state.Load() == stateGone {
		s.mu.Unlock()
		return
	}
	s.reason = reason
	s.state.Store(stateGone)
	s.held = nil
	accepted := s.accepted
	s.calls.end()
	s.tasks.end()
	s.mu.Unlock()
	s.namespace.remove(s, reason)
	s.client.left()
	if accepted {
		s.disconnected(reason)
	}
}

func (s *Socket) whyEnded() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// disconnected calls the handler of OnDisconnect.
func (s *Socket) disconnected(reason Reason) {
	if f := s.namespace.handlers.Load().disconnect; f != nil {
		f(s, reason)
	}
}
