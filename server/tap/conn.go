// A tapped connection: HTTP until a handler begins the capture, frames after.

package tap

import (
	"bytes"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// maxHead is how many bytes of a request are held while it is not known whether
// it will be recorded, and how many of a response are looked at for its end. A server
// takes less: 64 KiB and the 4 that net/http adds.
const maxHead = 72 << 10

// What passes a connection at present.
const (
	passHTTP   = iota // requests: the last head is held, in case it is a handshake
	passShake         // the capture has begun, the answer is awaited
	passFrames        // the answer was 101
	passPlain         // nothing to record
)

// Conn is a net.Conn of which a copy of the traffic is recorded.
type Conn struct {
	net.Conn
	tap  *Tap
	peer protocol.Side // that Read reads from
	id   uint32        // in the capture

	pass   atomic.Int32
	closer atomic.Int32 // who ended first, plus one; 0 while nobody has
	closed sync.Once

	mu       sync.Mutex // guards the fields below, of use until frames pass
	head     []byte     // what the peer has sent since the last answer
	answered bool       // something was written since the last read
	response []byte     // our answer so far

	in, out scanner
}

func newConn(t *Tap, nc net.Conn, peer protocol.Side) *Conn {
	c := &Conn{Conn: nc, tap: t, peer: peer}
	c.in.init(c, peer)
	c.out.init(c, peer.Peer())
	return c
}

// Read reads from the connection and records what came.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.Received(b[:n], err)
	return n, err
}

// Received records what was read past Read, from the descriptor.
func (c *Conn) Received(b []byte, err error) {
	if len(b) > 0 {
		c.received(b)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.ended(c.peer)
	}
}

// SyscallConn gives the descriptor to who calls Received and Sending for all that it
// reads and writes.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	conn, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return conn.SyscallConn()
}

func (c *Conn) received(b []byte) {
	switch c.pass.Load() {
	case passFrames:
		c.in.feed(b)
	case passHTTP, passShake:
		c.hold(b)
	}
}

// hold keeps the peer's bytes until it is known what they are.
func (c *Conn) hold(b []byte) {
	c.mu.Lock()
	pass := c.pass.Load()
	switch {
	case pass == passFrames: // it has just turned out
		c.mu.Unlock()
		c.in.feed(b)
		return
	case pass == passHTTP && c.answered:
		// What was answered is done with; a pipelined request may stand behind.
		_, n := protocol.ParseHead(c.head)
		if n == 0 {
			n = len(c.head)
		}
		c.head, c.answered = append(c.head[:0], c.head[n:]...), false
		fallthrough
	case pass != passPlain:
		c.head = append(c.head, b[:min(len(b), maxHead-len(c.head))]...)
	}
	c.mu.Unlock()
}

// Write records b and writes it. It is recorded first, so that the peer's answer
// never stands before it.
func (c *Conn) Write(b []byte) (int, error) {
	c.Sending(b)
	return c.Conn.Write(b)
}

// Sending records what is about to be written past Write, to the descriptor.
func (c *Conn) Sending(b []byte) {
	switch c.pass.Load() {
	case passFrames:
		c.out.feed(b)
	case passShake:
		c.answer(b)
	case passHTTP:
		c.mu.Lock()
		c.answered = true
		c.mu.Unlock()
	}
}

// begin starts the capture at a request whose head has been read; line is its first.
func (c *Conn) begin(maxMessageSize uint64, line, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pass.Load() != passHTTP {
		return
	}
	if c.id != 0 {
		c.tap.history.close(c.id, feed.UnknownSide) // it was refused, and asks again
	}
	n := c.lastHead(line, key)
	c.id = c.tap.open(maxMessageSize, c.Conn)
	c.tap.history.head(c.id, c.peer, c.head[:n])
	// What the peer has sent beyond its head are frames, should we accept.
	c.head = bytes.Clone(c.head[n:])
	c.pass.Store(passShake)
}

// lastHead drops from what is held all that stands before the request with the given
// first line and key, other requests and what they carried, and returns the length of
// its head. What looks alike in its fields, or in frames behind it, stands after it.
func (c *Conn) lastHead(line, key string) int {
	for at := 0; ; at++ {
		i := bytes.Index(c.head[at:], []byte(line))
		if i < 0 {
			break
		}
		at += i
		if h, _ := protocol.ParseHead(c.head[at:]); slices.Contains(h.Values("Sec-WebSocket-Key"), key) || key == "" {
			c.head = c.head[at:]
			break
		}
	}
	_, n := protocol.ParseHead(c.head)
	if n == 0 {
		return len(c.head) // longer than is held
	}
	return n
}

// answer takes our bytes until the blank line ends the response's head.
func (c *Conn) answer(b []byte) {
	c.mu.Lock()
	c.response = append(c.response, b[:min(len(b), maxHead-len(c.response))]...)
	h, n := protocol.ParseHead(c.response)
	if n == 0 {
		c.mu.Unlock()
		return
	}
	c.tap.history.head(c.id, c.peer.Peer(), c.response[:n])
	early, rest := c.head, c.response[n:]
	c.response = nil
	if protocol.StatusOf(h) != 101 {
		c.pass.Store(passHTTP) // another handshake may follow
		c.mu.Unlock()
		return
	}
	c.head = nil
	c.in.feed(early)
	c.pass.Store(passFrames)
	c.mu.Unlock()
	c.out.feed(rest)
}

// ignore lets the connection pass unrecorded from now on.
func (c *Conn) ignore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pass.Load() == passHTTP {
		c.pass.Store(passPlain)
		c.head = nil
	}
}

// CloseWrite closes our half, as a *net.TCPConn does.
func (c *Conn) CloseWrite() error {
	c.ended(c.peer.Peer())
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// Close closes the connection and its capture.
func (c *Conn) Close() error {
	c.ended(c.peer.Peer())
	err := c.Conn.Close()
	c.mu.Lock()
	captured := c.id != 0
	c.mu.Unlock()
	if captured {
		c.closed.Do(func() {
			c.in.finish()
			c.out.finish()
			c.tap.history.close(c.id, protocol.Side(c.closer.Load()-1))
		})
	}
	return err
}

// ended notes who ended the connection first.
func (c *Conn) ended(by protocol.Side) { c.closer.CompareAndSwap(0, int32(by)+1) }
