// The output: frames that wait to leave in one write, and the write.

package websocket

import (
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

// flushHeld sends what waits, before the reader does. c.reading is held.
func (c *Conn) flushHeld() error {
	if c.hold.Load() {
		c.hold.Store(false)
	}
	if !c.out.waiting.Load() {
		return nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.flush()
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
	h.PayloadLength = uint64(len(p))
	if c.side == protocol.Client {
		h.Masked, h.MaskingKey = true, newMaskingKey()
	}
	o := &c.out
	if o.n+protocol.MaxHeaderSize+min(len(p), copyLimit) > bufferSize {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if o.buf == nil {
		o.buf = takeBuffer()
	}
	first := o.n == 0
	b := protocol.AppendHeader(o.buf[:o.n], h)
	if len(p) > copyLimit {
		o.n = len(b)
		return c.writeLong(h, p)
	}
	at := len(b)
	b = append(b, p...)
	if h.Masked {
		protocol.Mask(h.MaskingKey, 0, b[at:])
	}
	o.n = len(b)
	if !wait || !c.mayHold() {
		return c.flush()
	}
	if first {
		c.holdUntil(holdTime)
	}
	return nil
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
	giveBuffer(o.buf)
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
	if c.blocked == nil {
		c.blocked = c.writeBlocked
	}
	ok, err := c.in.socket.write(b, c.blocked)
	if !ok {
		c.armWrite()
		_, err = c.nc.Write(b)
	}
	if err != nil {
		return c.writeFailed(err)
	}
	return nil
}

// writeBlocked gives a write that begins to wait its deadline, and takes it back.
func (c *Conn) writeBlocked(begins bool) {
	by := c.writeBy.Load()
	if begins {
		if c.fanning {
			c.fanning = false
			queues.leave()
		}
		by = sooner(by, now().add(c.options.WriteTimeout).time().UnixNano())
	}
	var until time.Time
	if by != 0 {
		until = time.Unix(0, by)
	}
	c.nc.SetWriteDeadline(until)
	c.writeArmed = 0
}

// writeFailed ends the connection: part of a frame may be out.
func (c *Conn) writeFailed(err error) error {
	var timeout net.Error
	if asTimeout(err, &timeout) {
		err = ErrSlowReader
	}
	err = fmt.Errorf("write frame: %w", err)
	c.end(&CloseError{Code: protocol.CloseAbnormal, cause: err})
	return err
}

// armWrite moves the write deadline once half of its time is used up.
func (c *Conn) armWrite() {
	now := now()
	by := c.writeBy.Load()
	if by == 0 && c.writeArmed != 0 && time.Duration(now-c.writeArmed) <= c.options.WriteTimeout/2 {
		return
	}
	c.writeArmed = now
	until := now.add(c.options.WriteTimeout).time()
	if by != 0 && by < until.UnixNano() {
		until, c.writeArmed = time.Unix(0, by), 0
	}
	c.nc.SetWriteDeadline(until)
}
