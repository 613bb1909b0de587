// The wire: the connection below TLS. It bounds what a handshake reads and how many of them
// compute, and never lets a close wait for the peer.

package secure

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"framescope/server/memory"
)

const (
	// recordHandshake is the type of a TLS record with a handshake message, the first byte
	// that a client sends (RFC 8446 5.1).
	recordHandshake = 22
	// silentSize is what a connection takes on which nothing has come, in bytes, and
	// handshakeSize how much more one whose handshake has begun: keys, and a larger stack.
	silentSize    = 8 << 10
	handshakeSize = 24 << 10
	// maxHandshake is how much a client may send before its handshake is complete. Browsers
	// send 2 KiB.
	maxHandshake = 16 << 10
	// writeTime is how long a write may wait for the peer that has no deadline. TLS makes such
	// writes by itself, in the midst of reading, when the peer asks for new keys (RFC 8446 4.6.3).
	writeTime = 30 * time.Second
)

var (
	errHandshakeTooLong = errors.New("secure: the client's part of the handshake is longer than 16 KiB")
	errBusy             = errors.New("secure: too many handshakes at a time")
)

// wire is a connection that carries TLS, or what came instead.
type wire struct {
	raw      net.Conn
	listener *Listener
	account  memory.Account // of the unfinished handshake
	until    time.Time      // when it must be complete

	// These are used by the goroutine that makes the handshake.
	peeked      []byte // the first byte, until it is read
	handshaking bool
	computing   bool // it has a place in Listener.computing
	came        int  // bytes, during the handshake

	writes   sync.Mutex // guards the fields below, not the writes themselves
	deadline time.Time  // for writes, that was set from above
	bounded  bool       // a write is bounded by writeTime instead

	closing atomic.Bool // from now on writes do not wait
	broken  atomic.Bool // a write failed: another would begin in the middle of a record
}

// peek returns the first byte, which the next Read returns again.
func (w *wire) peek() (byte, error) {
	b := make([]byte, 1)
	if _, err := w.raw.Read(b); err != nil {
		return 0, err
	}
	w.peeked = b
	return b[0], nil
}

// handshake completes c's handshake. It has a place in Listener.computing except while it waits
// for the peer.
func (w *wire) handshake(c *tls.Conn) error {
	w.handshaking = true
	err := w.beginComputing()
	if err == nil {
		err = c.Handshake()
	}
	w.endComputing()
	w.handshaking = false
	w.listener.options.Memory.Close(&w.account)
	return err
}

func (w *wire) beginComputing() error {
	select {
	case w.listener.computing <- struct{}{}:
		w.computing = true
		return nil
	default:
	}
	tooLate := time.NewTimer(time.Until(w.until))
	defer tooLate.Stop()
	select {
	case w.listener.computing <- struct{}{}:
		w.computing = true
		return nil
	case <-tooLate.C:
	case <-w.listener.closed:
	}
	return errBusy
}

func (w *wire) endComputing() {
	if w.computing {
		w.computing = false
		<-w.listener.computing
	}
}

// Read reads from the connection.
func (w *wire) Read(b []byte) (n int, err error) {
	if len(w.peeked) > 0 {
		n = copy(b, w.peeked)
		w.peeked = w.peeked[n:]
		return n, nil
	}
	if !w.handshaking {
		return w.raw.Read(b)
	}
	if w.came > maxHandshake {
		return 0, errHandshakeTooLong
	}
	w.endComputing()
	n, err = w.raw.Read(b)
	w.came += n
	if busy := w.beginComputing(); busy != nil {
		return 0, busy
	}
	return n, err
}

// Write writes to the connection.
func (w *wire) Write(b []byte) (n int, err error) {
	switch {
	case w.broken.Load():
		return 0, net.ErrClosed
	case w.closing.Load():
		n, err = w.offer(b)
	case w.handshaking:
		w.endComputing()
		if n, err = w.raw.Write(b); err == nil {
			err = w.beginComputing()
		}
	default:
		w.beginWrite()
		n, err = w.raw.Write(b)
		w.endWrite()
	}
	if err != nil {
		w.broken.Store(true)
	}
	return n, err
}

// beginWrite bounds a write that has no deadline.
func (w *wire) beginWrite() {
	w.writes.Lock()
	defer w.writes.Unlock()
	if w.deadline.IsZero() {
		w.bounded = true
		_ = w.raw.SetWriteDeadline(time.Now().Add(writeTime))
	}
}

func (w *wire) endWrite() {
	w.writes.Lock()
	defer w.writes.Unlock()
	if w.bounded && !w.closing.Load() {
		_ = w.raw.SetWriteDeadline(w.deadline)
	}
	w.bounded = false
}

// SetWriteDeadline sets the deadline of writes.
func (w *wire) SetWriteDeadline(t time.Time) error {
	w.writes.Lock()
	defer w.writes.Unlock()
	w.deadline = t
	if w.bounded && t.IsZero() || w.closing.Load() {
		return nil
	}
	return w.raw.SetWriteDeadline(t)
}

// SetDeadline sets the deadlines of reads and writes.
func (w *wire) SetDeadline(t time.Time) error {
	if err := w.SetWriteDeadline(t); err != nil {
		return err
	}
	return w.raw.SetReadDeadline(t)
}

// offer writes what the system takes at once.
func (w *wire) offer(b []byte) (n int, err error) {
	_ = w.raw.SetWriteDeadline(time.Time{})
	if n, err = offer(w.raw, b); err == nil && n < len(b) {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// endWrites makes a write that waits for the peer fail, and no other wait.
func (w *wire) endWrites() {
	w.writes.Lock()
	defer w.writes.Unlock()
	w.closing.Store(true)
	_ = w.raw.SetWriteDeadline(time.Unix(1, 0))
}

// Close closes the connection.
func (w *wire) Close() error {
	w.listener.options.Memory.Close(&w.account)
	return w.raw.Close()
}

// Evict implements [memory.Holder].
func (w *wire) Evict(bool) { go w.raw.Close() } // the handshake fails

func (w *wire) LocalAddr() net.Addr               { return w.raw.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr              { return w.raw.RemoteAddr() }
func (w *wire) SetReadDeadline(t time.Time) error { return w.raw.SetReadDeadline(t) }
