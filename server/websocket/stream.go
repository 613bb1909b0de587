// A stream of an HTTP/2 connection as a net.Conn: its state, its end, and its deadlines.

package websocket

import (
	"io"
	"net"
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
	unread        unreadInput

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

// streamDeadline is a deadline that wakes those that wait when it passes.
type streamDeadline struct {
	at    time.Time
	early time.Duration // if not 0, and sooner, f is called after this time, too
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
		d.timer = time.AfterFunc(d.wait(), f)
	default:
		d.timer.Reset(d.wait())
	}
}

func (d *streamDeadline) wait() time.Duration {
	wait := time.Until(d.at)
	if d.early > 0 {
		wait = min(wait, d.early)
	}
	return wait
}

func newStream(body io.ReadCloser, out streamOutput, local, remote net.Addr) *stream {
	s := &stream{body: body, out: out, local: local, remote: remote}
	s.readable.L, s.wanted.L, s.unused.L = &s.mu, &s.mu, &s.mu
	s.writeBy.early = unreadTime
	return s
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
	s.unread.uncount(true)
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

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.writeBy.set(t, s.writeLate)
	s.mu.Unlock()
	if t.IsZero() {
		s.unread.uncount(false)
	}
	return nil
}
