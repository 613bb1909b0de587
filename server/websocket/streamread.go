// Reading from a stream: one goroutine waits for the peer's bytes, another takes them.

package websocket

import (
	"net"
	"os"
)

// wait waits for the peer's bytes on behalf of Read, until the stream is closed or the peer has
// ended it.
func (s *stream) wait() {
	for s.awaitRead() {
		// With nothing to read to, net/http waits for bytes and leaves them there.
		_, err := s.body.Read(nil)
		s.mu.Lock()
		s.asked, s.came, s.readErr = false, err == nil, err
		s.readable.Signal()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// serve is wait for the handler of the stream's request, which must not return before the stream is
// closed and nothing uses its ResponseWriter any more.
func (s *stream) serve() {
	s.wait()
	s.mu.Lock()
	for !s.closed {
		s.wanted.Wait()
	}
	s.mu.Unlock()
	s.awaitUnused(0)
}

// serveAside is serve for a handler that does not call it, but returns soon after Close.
func (s *stream) serveAside() {
	s.aside = true
	go s.wait()
}

// awaitRead waits until Read wants bytes; false says that the stream is closed.
func (s *stream) awaitRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.asked && !s.closed {
		s.wanted.Wait()
	}
	return !s.closed
}

// Read implements net.Conn.
func (s *stream) Read(p []byte) (int, error) {
	if err := s.awaitBytes(); err != nil {
		return 0, err
	}
	n, err := s.body.Read(p)
	if err != nil {
		s.mu.Lock()
		if s.readErr == nil {
			s.readErr = err
		}
		if s.closed {
			err = net.ErrClosed
		}
		s.mu.Unlock()
	}
	return n, err
}

// awaitBytes waits until there are bytes. The error says why there are none.
func (s *stream) awaitBytes() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return net.ErrClosed
		case s.readBy.passed():
			return os.ErrDeadlineExceeded
		case s.readErr != nil:
			return s.readErr
		case s.came:
			s.came = false
			return nil
		}
		if !s.asked {
			s.asked = true
			s.wanted.Signal()
		}
		s.readable.Wait()
	}
}

// readLate is called when the read deadline has passed.
func (s *stream) readLate() {
	s.mu.Lock()
	s.readable.Signal()
	s.mu.Unlock()
}
