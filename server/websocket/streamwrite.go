// Writing to a stream: a write that misses its deadline ends the stream.

package websocket

import (
	"io"
	"net"
	"os"
	"time"
)

// streamOutput is the sending half of a stream.
type streamOutput interface {
	io.Writer // sends at once, waiting for the peer
	abort()   // resets the stream, so that a Write that waits fails
	end()     // ends the stream, after what was written
	// kill closes the whole connection, because even a reset cannot be sent.
	kill()
}

// killTime is how long a write may still wait once its stream is reset: its peer reads nothing of
// the whole connection.
const killTime = time.Second

// Write implements net.Conn. One goroutine at a time may call it.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	if err := s.writeError(); err != nil {
		s.mu.Unlock()
		return 0, err
	}
	s.using++
	s.writing = true
	s.mu.Unlock()
	n, err := s.out.Write(p)
	s.mu.Lock()
	s.writing = false
	s.release()
	if err != nil && s.writeError() != nil {
		err = s.writeError()
	}
	s.mu.Unlock()
	return n, err
}

// release says that a call uses out no more; mu is held.
func (s *stream) release() {
	if s.using--; s.using == 0 {
		s.unused.Broadcast()
	}
}

// writeError returns why nothing can be written; mu is held.
func (s *stream) writeError() error {
	switch {
	case s.timedOut, s.writeBy.passed() && !s.closed:
		return os.ErrDeadlineExceeded
	case s.closed:
		return net.ErrClosed
	}
	return nil
}

// writeLate is called when the write deadline has passed, and unreadTime after it was set.
func (s *stream) writeLate() {
	s.mu.Lock()
	waits, passed := s.writing && !s.closed, s.writeBy.passed()
	if !passed && !s.writeBy.at.IsZero() {
		s.writeBy.timer.Reset(time.Until(s.writeBy.at))
	}
	late := waits && passed && !s.timedOut
	if late {
		s.timedOut = true
		s.using++
	}
	s.mu.Unlock()
	switch {
	case late:
		s.reset()
	case waits:
		s.countUnread()
	}
}

// countUnread counts the input, unless the write has ended meanwhile.
func (s *stream) countUnread() {
	s.unread.count()
	s.mu.Lock()
	over := s.writeBy.at.IsZero()
	s.mu.Unlock()
	if over {
		s.unread.uncount(false)
	}
}

// reset ends the stream while a Write waits. The caller has counted its use of out.
func (s *stream) reset() {
	s.out.abort()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	if s.using > 0 {
		time.AfterFunc(killTime, func() {
			s.mu.Lock()
			stuck := s.using > 0
			s.mu.Unlock()
			if stuck {
				s.out.kill()
			}
		})
	}
}

// awaitUnused waits until no call uses out any more; the stream is closed. The time is a bound, or
// 0 for none.
func (s *stream) awaitUnused(atMost time.Duration) {
	over := false
	if atMost > 0 {
		defer time.AfterFunc(atMost, func() {
			s.mu.Lock()
			over = true
			s.unused.Broadcast()
			s.mu.Unlock()
		}).Stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.using > 0 && !over {
		s.unused.Wait()
	}
}
