// A stream of an HTTP/2 connection as a net.Conn: how reading and writing are bounded.

package websocket

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// stream is a stream of an HTTP/2 connection. net/http can end a read or a write that waits only
// by ending the whole stream; here a read that misses its deadline loses nothing, since another
// goroutine waits for the peer's bytes (see wait). A write that misses its deadline ends the
// stream.
type stream struct {
	body          io.ReadCloser // what the peer sends
	out           streamOutput
	local, remote net.Addr

	mu       sync.Mutex // guards the fields below; not held while body and out are used
	readable sync.Cond  // for Read: there are bytes, or an error, or nothing to wait for
	wanted   sync.Cond  // for wait: Read waits for bytes, or the stream is closed
	unused   sync.Cond  // for whatever waits until out is not used any more
	asked    bool       // Read waits for bytes
	came     bool       // and there are some
	readErr  error      // no more will come
	closed   bool
	aside    bool // Close waits until out is not used any more
	timedOut bool // a write has missed its deadline
	using    int  // how many calls use out
	writing  bool // one of them is a Write
	readBy   streamDeadline
	writeBy  streamDeadline
}

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

// streamDeadline is a deadline that wakes those that wait when it passes.
type streamDeadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *streamDeadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set moves the deadline; the stream's mu is held. Once it has passed, f is called, perhaps more
// than once.
func (d *streamDeadline) set(t time.Time, f func()) {
	d.at = t
	switch {
	case t.IsZero() && d.timer != nil:
		d.timer.Stop()
	case t.IsZero():
	case d.timer == nil:
		d.timer = time.AfterFunc(time.Until(t), f)
	default:
		d.timer.Reset(time.Until(t))
	}
}

func newStream(body io.ReadCloser, out streamOutput, local, remote net.Addr) *stream {
	s := &stream{body: body, out: out, local: local, remote: remote}
	s.readable.L, s.wanted.L, s.unused.L = &s.mu, &s.mu, &s.mu
	return s
}

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

// writeLate is called when the write deadline has passed.
func (s *stream) writeLate() {
	s.mu.Lock()
	late := s.writing && s.writeBy.passed() && !s.timedOut && !s.closed
	if late {
		s.timedOut = true
		s.using++
	}
	s.mu.Unlock()
	if late {
		s.reset()
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

// Close implements net.Conn. What was written before is sent first, unless a Write is waiting.
func (s *stream) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	waits := s.writing && !s.timedOut
	if waits {
		s.using++
	}
	s.readBy.set(time.Time{}, nil)
	s.writeBy.set(time.Time{}, nil)
	s.readable.Signal()
	s.wanted.Signal()
	s.mu.Unlock()
	if waits {
		s.reset()
	}
	s.out.end()
	err := s.body.Close()
	if s.aside {
		s.awaitUnused(killTime)
	}
	return err
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

// Abandon implements abandoner.
func (s *stream) Abandon() {
	if record, ok := s.body.(abandoner); ok {
		record.Abandon()
	}
}

func (s *stream) LocalAddr() net.Addr  { return s.local }
func (s *stream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error {
	_ = s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.readBy.set(t, s.readLate)
	return nil
}

// readLate is called when the read deadline has passed.
func (s *stream) readLate() {
	s.mu.Lock()
	s.readable.Signal()
	s.mu.Unlock()
}

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.writeBy.set(t, s.writeLate)
	return nil
}
