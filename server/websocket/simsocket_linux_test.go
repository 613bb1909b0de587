// A socket whose waits are those of a test's bubble, so that writes to the descriptor can be
// tested without real time.

package websocket_test

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

func init() { transports["descriptor"] = socketPair }

// bubbleSocket is one end of a pair of Unix sockets.
type bubbleSocket struct {
	net.Conn // nil
	fd       int
	other    *bubbleSocket
	using    sync.RWMutex // the descriptor
	reads    waiting
	writes   waiting
}

// waiting is what a goroutine waits for that reads, or writes.
type waiting struct {
	mu      sync.Mutex
	changed chan struct{}
	by      time.Time
}

// change wakes the goroutine.
func (w *waiting) change(by ...time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(by) > 0 {
		w.by = by[0]
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// socketPair makes a pair, with small buffers.
func socketPair(t *testing.T) (near, far net.Conn) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*bubbleSocket
	for i, fd := range fds {
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 16<<10)
		ends[i] = &bubbleSocket{fd: fd}
		ends[i].reads.changed, ends[i].writes.changed = make(chan struct{}), make(chan struct{})
	}
	ends[0].other, ends[1].other = ends[1], ends[0]
	return ends[0], ends[1]
}

// await calls try until it reports true. The other end's goroutine is woken after each read, and
// after each write, which may have written a part.
func (s *bubbleSocket) await(w, other *waiting, try func(fd uintptr) bool) error {
	for {
		w.mu.Lock()
		changed, until := w.changed, w.by
		w.mu.Unlock()
		if !until.IsZero() && !time.Now().Before(until) {
			return os.ErrDeadlineExceeded
		}
		s.using.RLock()
		if s.fd < 0 {
			s.using.RUnlock()
			return net.ErrClosed
		}
		done := try(uintptr(s.fd))
		s.using.RUnlock()
		if done || w == &s.writes {
			other.change()
		}
		if done {
			return nil
		}
		var late <-chan time.Time
		if !until.IsZero() {
			late = time.After(time.Until(until))
		}
		select {
		case <-changed:
		case <-late:
		}
	}
}

// move reads or writes once.
func (s *bubbleSocket) move(w, other *waiting, call func(int, []byte) (int, error), b []byte) (n int, err error) {
	failed := s.await(w, other, func(fd uintptr) bool {
		n, err = call(int(fd), b)
		return err != syscall.EAGAIN
	})
	if failed != nil {
		return 0, failed
	}
	return max(n, 0), err
}

func (s *bubbleSocket) Read(b []byte) (n int, err error) {
	if n, err = s.move(&s.reads, &s.other.writes, syscall.Read, b); n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (s *bubbleSocket) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var moved int
		moved, err = s.move(&s.writes, &s.other.reads, syscall.Write, b[n:])
		n += moved
	}
	return n, err
}

func (s *bubbleSocket) Close() error {
	s.using.Lock()
	fd := s.fd
	s.fd = -1
	s.using.Unlock()
	if fd >= 0 {
		syscall.Close(fd)
		for _, w := range []*waiting{&s.reads, &s.writes, &s.other.reads, &s.other.writes} {
			w.change()
		}
	}
	return nil
}

func (s *bubbleSocket) SetReadDeadline(t time.Time) error {
	s.reads.change(t)
	return nil
}

func (s *bubbleSocket) SetWriteDeadline(t time.Time) error {
	s.writes.change(t)
	return nil
}

// As a recorder its descriptor may be used.
func (s *bubbleSocket) SyscallConn() (syscall.RawConn, error) { return rawBubbleSocket{s}, nil }
func (s *bubbleSocket) Received([]byte, error)                {}
func (s *bubbleSocket) Sending([]byte)                        {}

type rawBubbleSocket struct{ *bubbleSocket }

func (r rawBubbleSocket) Control(f func(uintptr)) error { return nil }

func (r rawBubbleSocket) Read(f func(uintptr) bool) error {
	return r.await(&r.reads, &r.other.writes, f)
}

func (r rawBubbleSocket) Write(f func(uintptr) bool) error {
	return r.await(&r.writes, &r.other.reads, f)
}
