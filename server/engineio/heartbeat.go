// The heartbeat: when a session is pinged, and when it has been silent for too long.

package engineio

import (
	"strconv"
	"time"
)

const (
	// firstPollTime is how long a session may take from its handshake to its next request.
	firstPollTime = 10 * time.Second
	// farewellTime is how long what a closed session was sent last waits for a poll.
	farewellTime = 3 * time.Second
)

// moment is a time in nanoseconds since the program began.
type moment int64

var began = time.Now()

func now() moment { return moment(time.Since(began)) }

// begin starts the heartbeat.
func (s *Session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != 0 {
		return
	}
	wait := s.server.options.PingInterval
	if s.greeted = s.polling == nil || wait <= firstPollTime; !s.greeted {
		wait = firstPollTime
	}
	s.schedule(wait)
}

// schedule has beat run after a time from now, scheduleNext from when it was to run last. s.mu is
// held.
func (s *Session) schedule(d time.Duration) {
	s.due = now()
	s.scheduleNext(d)
}

func (s *Session) scheduleNext(d time.Duration) {
	s.due += moment(d)
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Duration(s.due-now()), s.beat)
		return
	}
	s.timer.Reset(time.Duration(s.due - now()))
}

// beat is what the session's timer runs.
func (s *Session) beat() {
	s.mu.Lock()
	switch {
	case s.due > now(): // it was set anew while it ran
		s.timer.Reset(time.Duration(s.due - now()))
		s.mu.Unlock()
	case s.reason != 0:
		s.mu.Unlock()
		s.discard()
	default:
		s.pingOrEnd()
	}
}

// pingOrEnd sends a ping, or ends a session that has not answered the last one. s.mu is held; it
// unlocks it.
func (s *Session) pingOrEnd() {
	o, p := &s.server.options, s.polling
	switch {
	case !s.greeted && p != nil && !p.used:
		s.mu.Unlock()
		s.end(ReasonPingTimeout, 0)
	case !s.greeted:
		s.greeted = true
		s.scheduleNext(o.PingInterval - firstPollTime)
		s.mu.Unlock()
	case s.pinged && !s.heard.Load():
		s.mu.Unlock()
		s.end(ReasonPingTimeout, packetClose)
	case s.pinged: // its messages show that it is there
		s.pinged = false
		s.scheduleNext(o.PingInterval)
		s.mu.Unlock()
	default:
		s.pinged = true
		s.heard.Store(false)
		if p != nil && p.wake == nil {
			s.scheduleNext(o.PingTimeout) // the ping waits for a poll, however late this timer was
		} else {
			s.schedule(o.PingTimeout)
		}
		s.mu.Unlock()
		_ = s.Queue(s.server.ping) // if it fails, the session has ended
	}
}

// pong notes that the peer answered a ping.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pinged && s.reason == 0 {
		s.pinged = false
		s.schedule(s.server.options.PingInterval)
	}
}

// late reports whether the session has ended, though its timer has not run yet. s.mu is held.
func (s *Session) late() bool {
	return s.reason == 0 && s.pinged && !s.heard.Load() && s.due <= now()
}

// appendOpen appends the packet that opens the session.
func (s *Session) appendOpen(b []byte, upgrades bool) []byte {
	o := &s.server.options
	b = append(b, packetOpen)
	b = append(append(append(b, `{"sid":"`...), s.id...), `","upgrades":[`...)
	if upgrades {
		b = append(b, `"websocket"`...)
	}
	b = strconv.AppendInt(append(b, `],"pingInterval":`...), o.PingInterval.Milliseconds(), 10)
	b = strconv.AppendInt(append(b, `,"pingTimeout":`...), o.PingTimeout.Milliseconds(), 10)
	b = strconv.AppendInt(append(b, `,"maxPayload":`...), int64(o.MaxPayload), 10)
	return append(b, '}')
}
