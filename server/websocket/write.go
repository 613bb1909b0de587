// Writing: frames to the socket, one at a time.

package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"framescope/protocol"
)

// WriteMessage sends a whole message in one frame. It waits for a peer that
// reads slowly, at most WriteTimeout. p is not kept, nor changed. ErrClosed says
// that the connection is closing: the next read tells how it ends.
func (c *Conn) WriteMessage(op protocol.Opcode, p []byte) error {
	if op != protocol.OpText && op != protocol.OpBinary {
		return fmt.Errorf("write message: opcode %v is neither text nor binary", op)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.write(op, p)
}

// Ping sends a ping with a payload of at most 125 bytes.
func (c *Conn) Ping(p []byte) error { return c.writeControl(protocol.OpPing, p) }

func (c *Conn) writeControl(op protocol.Opcode, p []byte) error {
	if len(p) > protocol.MaxControlPayload {
		return fmt.Errorf("write %v: payload of %d bytes, at most %d allowed", op, len(p), protocol.MaxControlPayload)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.write(op, p)
}

// copyLimit is up to which size a payload is copied behind its header, so that
// both leave in one write; a larger one is handed to the kernel where it lies.
const copyLimit = 16 << 10

var framePool = sync.Pool{New: func() any { return new(make([]byte, 0, copyLimit+protocol.MaxHeaderSize)) }}

// write sends one frame; c.writing is held.
func (c *Conn) write(op protocol.Opcode, p []byte) error {
	select {
	case <-c.done:
		return ErrClosed
	default:
	}
	if c.closeSent {
		// RFC 6455 5.5.1: nothing after a close frame.
		return ErrClosed
	}
	frame := framePool.Get().(*[]byte)
	defer framePool.Put(frame)
	h := protocol.Header{Fin: true, Opcode: op, PayloadLength: uint64(len(p))}
	if c.side == protocol.Client {
		h.Masked, h.MaskingKey = true, newMaskingKey()
	}
	b := protocol.AppendHeader((*frame)[:0], h)
	c.armWrite()
	switch {
	case len(p) <= copyLimit:
		b = append(b, p...)
		if h.Masked {
			protocol.Mask(h.MaskingKey, 0, b[len(b)-len(p):])
		}
		return c.writeBytes(b)
	case h.Masked:
		return c.writeMasked(b, h, p)
	}
	return c.writeBuffers(net.Buffers{b, p})
}

// writeMasked sends a long payload in masked pieces, since p is not ours to change.
func (c *Conn) writeMasked(b []byte, h protocol.Header, p []byte) error {
	for at := 0; at < len(p); {
		n := min(cap(b)-len(b), len(p)-at)
		b = append(b, p[at:at+n]...)
		protocol.Mask(h.MaskingKey, at, b[len(b)-n:])
		if err := c.writeBytes(b); err != nil {
			return err
		}
		at += n
		b = b[:0]
	}
	return nil
}

func (c *Conn) writeBytes(b []byte) error {
	if _, err := c.nc.Write(b); err != nil {
		return c.writeFailed(err)
	}
	return nil
}

// buffersWriter is a connection that is no *net.TCPConn but knows how to write
// several buffers at once, as a tapped one does.
type buffersWriter interface {
	WriteBuffers(*net.Buffers) (int64, error)
}

func (c *Conn) writeBuffers(b net.Buffers) (err error) {
	if w, ok := c.nc.(buffersWriter); ok {
		_, err = w.WriteBuffers(&b)
	} else {
		_, err = b.WriteTo(c.nc)
	}
	if err != nil {
		return c.writeFailed(err)
	}
	return nil
}

// writeFailed ends the connection: part of a frame may have been sent.
func (c *Conn) writeFailed(err error) error {
	var timeout net.Error
	if ok := asTimeout(err, &timeout); ok {
		err = ErrSlowReader
	}
	err = fmt.Errorf("write frame: %w", err)
	c.end(&CloseError{Code: protocol.CloseAbnormal, cause: err})
	return err
}

// armWrite moves the write deadline once half of its time is used up.
func (c *Conn) armWrite() {
	now := time.Now()
	if now.Sub(c.writeArmed) > c.options.WriteTimeout/2 {
		c.writeArmed = now
		c.nc.SetWriteDeadline(now.Add(c.options.WriteTimeout))
	}
}

// newMaskingKey is unpredictable (RFC 6455 10.3).
func newMaskingKey() uint32 {
	var key [4]byte
	rand.Read(key[:])
	return binary.BigEndian.Uint32(key[:])
}
