// A tapped connection: HTTP until a handler begins the capture, frames after.

package tap

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"framescope/protocol"
)

// What crosses a connection at present.
const (
	phaseHTTP   = iota // requests; none is being captured
	phaseAnswer        // a request for a WebSocket is being handled and not answered yet
	phaseBody          // the answer was 101, but more of the request's body is to come
	phaseFrames        // the answer was 101
	phasePlain         // nothing to record
)

// Conn is a net.Conn whose traffic is recorded.
type Conn struct {
	net.Conn
	tap  *Tap
	peer protocol.Side // the side at the other end
	id   uint32        // in the capture

	phase  atomic.Int32
	closer atomic.Int32 // the side that ended first, plus one; 0 while none has

	mu     sync.Mutex // guards http, and the id until phaseFrames
	http   *exchange  // nil from then on
	closed bool       // the capture has ended, or is about to

	in, out scanner
}

func newConn(t *Tap, nc net.Conn, peer protocol.Side) *Conn {
	c := &Conn{Conn: nc, tap: t, peer: peer}
	c.in.side, c.out.side = peer, peer.Peer()
	return c
}

// Read reads from the connection and records what it read.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.Received(b[:n], err)
	return n, err
}

// Received records what was read from the descriptor instead of by Read.
func (c *Conn) Received(b []byte, err error) {
	if c.phase.Load() == phaseFrames {
		c.in.scan(c, b)
	} else if len(b) > 0 && c.phase.Load() != phasePlain {
		c.receivedHTTP(b)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.ended(c.peer)
	}
}

// SyscallConn gives the descriptor to a caller that calls Received for all that it reads and
// Sending for all that it writes.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	conn, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return conn.SyscallConn()
}

// Write records b and writes it. It is recorded first, so that the peer's answer is
// never recorded before it.
func (c *Conn) Write(b []byte) (int, error) {
	c.Sending(b)
	return c.Conn.Write(b)
}

// Sending records what is about to be written to the descriptor instead of by Write.
func (c *Conn) Sending(b []byte) {
	switch c.phase.Load() {
	case phaseFrames, phaseBody:
		c.out.scan(c, b)
	case phaseAnswer:
		c.sendingAnswer(b)
	}
}

// Abandon says that the receiver stops reading the incomplete frame. The part that has been
// received is recorded now, so that it precedes the answer; the remainder is not recorded.
// Between frames Abandon does nothing.
func (c *Conn) Abandon() {
	if c.phase.Load() == phaseFrames {
		c.in.abandon(c)
	}
}

// CloseWrite closes our sending half, as that of a *net.TCPConn does.
func (c *Conn) CloseWrite() error {
	c.ended(c.peer.Peer())
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// SetLinger is that of a *net.TCPConn.
func (c *Conn) SetLinger(seconds int) error {
	tcp, ok := c.Conn.(interface{ SetLinger(int) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return tcp.SetLinger(seconds)
}

// Close closes the connection and its capture.
func (c *Conn) Close() error {
	c.ended(c.peer.Peer())
	err := c.Conn.Close()
	c.endCapture()
	return err
}

// endCapture closes the capture.
func (c *Conn) endCapture() {
	c.mu.Lock()
	captured := c.id != 0 && !c.closed
	c.closed = true
	if c.http != nil {
		c.endHTTP()
		c.phase.Store(phasePlain)
	}
	c.mu.Unlock()
	if captured {
		c.in.finish(c)
		c.out.finish(c)
		c.tap.history.close(c.id, protocol.Side(c.closer.Load()-1))
	}
}

// ended notes the side that ended the connection first.
func (c *Conn) ended(by protocol.Side) { c.closer.CompareAndSwap(0, int32(by)+1) }
