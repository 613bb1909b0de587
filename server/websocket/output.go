// The output: frames that wait to leave in one write, and the write.

package websocket

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"framescope/protocol"
)

const (
	// copyLimit is up to which size a payload is copied behind its header; a larger
	// one is handed to the kernel where it lies.
	copyLimit = 32 << 10
	// firstPiece is how much of a long frame is written before the rest, in bytes:
	// the peer wakes up and reads while the rest is still being written.
	firstPiece = 16 << 10
	// holdTime is how long a frame waits for others at most.
	holdTime = time.Millisecond
)

// output is what waits. It holds a buffer only while something does.
type output struct {
	buf     *buffer
	n       int
	waiting atomic.Bool // something may be held back
	timer   *time.Timer // that ends the wait
}

// holdAnswers lets writes wait while the reader has more to decode.
func (c *Conn) holdAnswers() {
	if more := !c.in.empty(); more != c.hold.Load() {
		c.hold.Store(more)
	}
}

// mayHold says that a frame may wait for the next.
func (c *Conn) mayHold() bool {
	if !c.hold.Load() {
		return false
	}
	// The reader ends the hold first and looks then whether something waits; here it
	// is the other way round, so that one of the two sees the other.
	c.out.waiting.Store(true)
	return c.hold.Load()
}

// flushHeld sends what waits, before the reader does. c.reading is held. Who writes just
// now sends it, too, or the end of its time does.
func (c *Conn) flushHeld() error {
	if c.hold.Load() {
		c.hold.Store(false)
	}
	if !c.out.waiting.Load() || !c.writing.TryLock() {
		return nil
	}
	return c.flushAside()
}

// flushAside is flush for the reader, which must not wait for the socket: the peer may
// wait for the reader. What does not go at once leaves from a goroutine. c.writing is
// held, and is given back or passed on.
func (c *Conn) flushAside() error {
	o, s := &c.out, c.direct()
	if s == nil && o.n > 0 {
		go func() {
			defer c.writing.Unlock()
			_ = c.flush() // a failure has ended the connection
		}()
		return nil
	}
	var err error
	if o.n > 0 {
		var done bool
		if done, err = s.offer(o.buf[:o.n]); !done {
			go c.flushRest(s)
			return nil
		}
	}
	c.rest()
	err = c.wrote(err)
	c.writing.Unlock()
	return err
}

// flushRest sends what did not go at once. c.writing is passed on to it.
func (c *Conn) flushRest(s *socket) {
	defer c.writing.Unlock()
	_ = c.wrote(s.push())
	c.rest()
}

// flushLate sends what has waited for too long.
func (c *Conn) flushLate() {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.Err() == nil {
		_ = c.flush() // a failure has ended the connection
	}
}

// write sends one frame behind those that wait, or lets it wait with them if it
// may; c.writing is held.
func (c *Conn) write(h protocol.Header, p []byte, wait bool) error {
	o := &c.out
	first := o.n == 0
	if err := c.putPongs(); err != nil {
		return err
	}
	if o.n+protocol.MaxHeaderSize+min(len(p), copyLimit) > bufferSize {
		if err := c.flush(); err != nil {
			return err
		}
		first = true
	}
	h = c.put(h, p)
	if len(p) > copyLimit {
		return c.writeLong(h, p)
	}
	if wait && c.holdBack(first) {
		return nil
	}
	return c.flush()
}

// put adds a frame to what waits, of a long one the header, which it returns. There is
// room for it.
func (c *Conn) put(h protocol.Header, p []byte) protocol.Header {
	h.PayloadLength = uint64(len(p))
	if c.side == protocol.Client {
		h.Masked, h.MaskingKey = true, newMaskingKey()
	}
	o := &c.out
	if o.buf == nil {
		o.buf = takeBuffer()
	}
	b := protocol.AppendHeader(o.buf[:o.n], h)
	if at := len(b); len(p) <= copyLimit {
		b = append(b, p...)
		if h.Masked {
			protocol.Mask(h.MaskingKey, 0, b[at:])
		}
	}
	o.n = len(b)
	return h
}

// holdBack lets what waits wait on, if it may.
func (c *Conn) holdBack(first bool) bool {
	if !c.mayHold() {
		return false
	}
	if first {
		c.holdUntil(holdTime)
	}
	return true
}

func (c *Conn) holdUntil(d time.Duration) {
	if c.out.timer == nil {
		c.out.timer = time.AfterFunc(d, c.flushLate)
		return
	}
	c.out.timer.Reset(d)
}

// writeLong sends what waits, the last of it the frame's header, and a long
// payload.
func (c *Conn) writeLong(h protocol.Header, p []byte) error {
	if h.Masked {
		return c.writeMasked(h.MaskingKey, p)
	}
	o := &c.out
	n := copy(o.buf[o.n:min(o.n+firstPiece, bufferSize)], p)
	o.n += n
	if err := c.flush(); err != nil {
		return err
	}
	return c.writeBytes(p[n:])
}

// writeMasked masks a long payload in pieces, since it is not ours to change.
func (c *Conn) writeMasked(key uint32, p []byte) error {
	o := &c.out
	for at := 0; at < len(p); {
		n := copy(o.buf[o.n:], p[at:])
		protocol.Mask(key, at, o.buf[o.n:o.n+n])
		o.n += n
		at += n
		if err := c.flushBuffer(); err != nil {
			return err
		}
	}
	return c.flush()
}

// flush sends what waits and gives the buffer back.
func (c *Conn) flush() error {
	o := &c.out
	if o.buf == nil {
		return nil
	}
	err := c.flushBuffer()
	c.rest()
	return err
}

// rest leaves the output without a buffer.
func (c *Conn) rest() {
	o := &c.out
	if o.buf != nil {
		giveBuffer(o.buf)
	}
	o.buf, o.n = nil, 0
	if o.waiting.Load() {
		o.waiting.Store(false)
		if o.timer != nil {
			o.timer.Stop()
		}
	}
}

func (c *Conn) flushBuffer() error {
	o := &c.out
	if o.n == 0 {
		return nil
	}
	err := c.writeBytes(o.buf[:o.n])
	o.n = 0
	return err
}

func (c *Conn) writeBytes(b []byte) error {
	if s := c.direct(); s != nil {
		return c.wrote(s.write(b))
	}
	c.writeBlocked(true)
	_, err := c.nc.Write(b)
	c.writeBlocked(false)
	return c.wrote(err)
}

// direct is the socket if it can be written to past the net.Conn, else nil.
func (c *Conn) direct() *socket {
	s := &c.in.socket
	if !s.direct() {
		return nil
	}
	if s.blocked == nil {
		s.blocked = c.writeBlocked
	}
	if c.rearm.Load() {
		c.rearm.Store(false)
		c.nc.SetWriteDeadline(c.writeBy.get().time())
	}
	return s
}

// writeBlocked gives a write that begins to wait its deadline, and takes it back.
func (c *Conn) writeBlocked(begins bool) {
	if !begins {
		c.options.Memory.Sub(&c.account, blockedSize)
		c.waitsBy.none()
		c.nc.SetWriteDeadline(c.writeBy.get().time())
		return
	}
	if c.fanning {
		c.fanning = false
		queues.leave()
	}
	c.armWrite()
	c.options.Memory.Add(&c.account, c, blockedSize)
}

// armWrite sets the deadline of a write that may wait from now on.
func (c *Conn) armWrite() {
	ends := now().add(c.options.WriteTimeout)
	c.waitsBy.store(ends)
	c.nc.SetWriteDeadline(sooner(c.writeBy.get(), ends).time())
}

// wrote ends the connection if a write failed: part of a frame may be out.
func (c *Conn) wrote(err error) error {
	if err == nil {
		return nil
	}
	var timeout net.Error
	if asTimeout(err, &timeout) {
		err = ErrSlowReader
	}
	err = fmt.Errorf("write frame: %w", err)
	failed := &CloseError{Code: protocol.CloseAbnormal, cause: err, writing: true}
	if errors.Is(err, ErrSlowReader) {
		c.drop(failed)
	} else {
		c.end(failed)
	}
	return err
}
