// Long polling: GET requests that wait for packets, and what waits for them.

package engineio

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"framescope/server/memory"
	"framescope/server/websocket"
)

// polling is what a session needs while requests carry it. The session's mutex guards it.
type polling struct {
	account    memory.Account
	out        []byte        // a payload: the packets that wait for polls
	held       int           // bytes of the array that out is part of, all of which are counted
	wake       chan struct{} // of the poll that waits, nil if none does
	drained    chan struct{} // closed when out is taken; nil unless a POST waits for it
	used       bool          // a request has followed the handshake
	delivering bool          // a POST's packets are being received: their answers leave together
	upgrading  bool          // a WebSocket is about to take over
	probed     bool          // and has been tried
	moved      bool          // and has taken over
	probe      *websocket.Conn
	reading    *http.ResponseController // of the POST whose body is being read, or nil
	writing    *http.ResponseController // of the poll that is being answered, or nil
}

// interrupt ends reads of a session that has ended, and writes that use memory that others need: what
// they keep would not be counted any more. s.mu is held.
func (p *polling) interrupt(reason Reason) {
	if p.reading != nil {
		_ = p.reading.SetReadDeadline(time.Now())
	}
	if p.writing != nil && reason == ReasonMemory {
		_ = p.writing.SetWriteDeadline(time.Now())
	}
}

// upgradePause is how long a poll that comes after the probe waits for the upgrade. The client does
// not poll then; but on another connection its poll may have overtaken the packet that ends polling.
const upgradePause = 100 * time.Millisecond

// wakeUnlessDelivering ends the wait of a poll.
func (p *polling) wakeUnlessDelivering() {
	if p.wake == nil || p.delivering {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default: // it is awake
	}
}

// releasePost ends the wait of a POST.
func (p *polling) releasePost() {
	if p.drained != nil {
		close(p.drained)
		p.drained = nil
	}
}

// bidFarewell adds the last packet, if there is one, and has the poll that waits answered. It reports
// whether polls are still to fetch what waits, which is so if nothing has failed. s.mu is held.
func (s *Session) bidFarewell(farewell byte) (awaited bool) {
	p := s.polling
	p.delivering = false
	p.releasePost()
	p.interrupt(s.reason)
	if farewell != 0 {
		s.appendOut(false, []byte{farewell})
	}
	p.wakeUnlessDelivering()
	return farewell != 0 && (s.reason == ReasonForcedClose || s.reason == ReasonTransportClose)
}

// appendOut adds a packet to those that wait. s.mu is held.
func (s *Session) appendOut(binary bool, packet []byte) {
	p := s.polling
	before := cap(p.out)
	p.out = appendPacket(p.out, binary, packet)
	if cap(p.out) != before {
		s.count(p, cap(p.out))
	}
}

// count notes that p.out is in an array of so many bytes. s.mu is held.
func (s *Session) count(p *polling, held int) {
	if more := int64(held - p.held); more > 0 {
		s.server.options.Memory.Add(&p.account, s, more)
	} else {
		s.server.options.Memory.Sub(&p.account, -more)
	}
	p.held = held
}

// maxPackets is how many packets a poll is answered with: Python's client takes no more.
const maxPackets = 16

// taken is a payload for a poll, and how many bytes are counted for it until it is sent.
type taken struct {
	payload []byte
	counted int64
}

// takeOut removes the packets for one poll from those that wait. s.mu is held.
func (s *Session) takeOut(p *polling) taken {
	n := endOfPackets(p.out, maxPackets)
	if n == len(p.out) {
		t := taken{p.out, int64(p.held)}
		p.out, p.held = nil, 0
		return t
	}
	payload := append([]byte(nil), p.out[:n]...)
	t := taken{payload, int64(cap(payload))}
	s.server.options.Memory.Add(&p.account, s, t.counted)
	if p.out = p.out[n+1:]; len(p.out) < p.held/2 {
		p.out = append([]byte(nil), p.out...)
		s.count(p, cap(p.out))
	}
	return t
}

// poll answers a GET request with the packets that wait, or come next.
func (s *Session) poll(w http.ResponseWriter, r *http.Request) {
	p, wake, refusal := s.beginPoll()
	if p == nil {
		refuse(w, refusal)
		return
	}
	// The heartbeat bounds the wait, not the server's time for a request.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	t := s.awaitPayload(r.Context(), p, wake, control)
	if t.payload == nil {
		refuse(w, errBadRequest.because("the session has changed to a WebSocket, or its client is gone"))
		return
	}
	err := answer(w, t.payload)
	s.mu.Lock()
	p.writing = nil
	p.wakeUnlessDelivering()
	s.mu.Unlock()
	s.server.options.Memory.Sub(&p.account, t.counted)
	if err != nil {
		s.end(ReasonTransportClose, 0)
	}
}

// beginPoll makes the caller the poll that waits.
func (s *Session) beginPoll() (p *polling, wake chan struct{}, f refusal) {
	s.mu.Lock()
	if s.late() {
		s.mu.Unlock()
		s.end(ReasonPingTimeout, 0)
		return nil, nil, errSession
	}
	defer s.mu.Unlock()
	p = s.polling
	switch {
	case s.conn.Load() != nil:
		return nil, nil, errBadRequest.because("a WebSocket carries this session")
	case p == nil, s.reason != 0 && (len(p.out) == 0 || p.wake != nil):
		return nil, nil, errSession
	case p.wake != nil:
		// To keep the order of packets only one request may wait for them.
		go s.end(ReasonTransportError, packetClose)
		return nil, nil, errBadRequest.because("another request waits for packets already")
	}
	p.used = true
	p.wake = make(chan struct{}, 1)
	return p, p.wake, refusal{}
}

// awaitPayload waits for packets and removes them. There is no payload if none will come.
func (s *Session) awaitPayload(ctx context.Context, p *polling, wake chan struct{}, control *http.ResponseController) taken {
	for {
		t, pause, done := s.takePayload(ctx, p, control)
		if done {
			return t
		}
		select {
		case <-wake:
		case <-ctx.Done():
		case <-pause:
			s.mu.Lock()
			if !p.moved {
				s.appendOut(false, []byte{packetNoop})
			}
			s.mu.Unlock()
		}
	}
}

// takePayload removes the packets that wait. done says that the poll has ended, with packets or
// without; pause ends what it has to wait for an upgrade.
func (s *Session) takePayload(ctx context.Context, p *polling, control *http.ResponseController) (t taken, pause <-chan time.Time, done bool) {
	s.mu.Lock()
	over := s.reason != 0
	switch {
	case p.moved: // even if the client has given up: it need not poll any more
		p.wake = nil
		s.mu.Unlock()
		return t, nil, true
	case ctx.Err() != nil:
		p.wake = nil
		s.mu.Unlock()
		s.end(ReasonTransportClose, 0)
		return t, nil, true
	case p.writing != nil: // the one before this is still being answered, as far as we know
	case len(p.out) > 0 && !p.delivering:
		t, p.wake, p.writing = s.takeOut(p), nil, control
		last := over && len(p.out) == 0
		p.releasePost()
		s.mu.Unlock()
		if last {
			s.discard()
		}
		return t, nil, true
	case over:
		p.wake = nil
		s.mu.Unlock()
		return t, nil, true
	case p.probed:
		pause = time.After(upgradePause)
	}
	s.mu.Unlock()
	return t, pause, false
}

// answer sends a payload, or what a POST is answered with.
func answer(w http.ResponseWriter, payload []byte) error {
	h := w.Header()
	setSafe(h)
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(len(payload)))
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := w.Write(payload); err != nil {
		return err
	}
	err := control.Flush()
	_ = control.SetWriteDeadline(time.Time{}) // the connection is used again
	return err
}
