// Writing: messages and control frames, whole.

package websocket

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"time"

	"framescope/protocol"
)

// WriteMessage sends a whole message in one frame. It waits for a peer that
// reads slowly, at most WriteTimeout, and as long for a message that is under way
// in parts (see [Conn.NextWriter]): when that takes longer nothing is sent, the error is
// [os.ErrDeadlineExceeded], and the connection goes on. p is not kept, nor changed.
// ErrClosed says that the connection is closing: the next read tells how it ends.
//
// While the reader has more to decode without waiting, messages up to 32 KiB are
// held back to leave together: when it next waits, when 64 KiB are full, or after
// a millisecond. An error of that write is told by the next call.
func (c *Conn) WriteMessage(op protocol.Opcode, p []byte) error {
	if err := dataOpcode(op); err != nil {
		return err
	}
	if c.compresses(len(p)) {
		return c.writeCompressed(op, p)
	}
	c.writing.Lock()
	err := c.awaitTurn()
	if err == nil {
		err = c.writeOpen(protocol.Header{Fin: true, Opcode: op}, p)
	}
	c.writing.Unlock()
	return err
}

// awaitTurn waits until no message is under way in parts, or none will be any more, but
// no longer than a write may take; c.writing is held.
func (c *Conn) awaitTurn() error {
	if !c.inMessage {
		return nil
	}
	ends := now().add(c.options.WriteTimeout)
	wake := time.AfterFunc(c.options.WriteTimeout, c.wakeWriters)
	defer wake.Stop()
	for c.inMessage && !c.ended.Load() {
		by, now := sooner(c.writeBy.get(), ends), now()
		if by.passed(now) {
			return fmt.Errorf("write message: another one is still under way in parts: %w", os.ErrDeadlineExceeded)
		}
		wake.Reset(time.Duration(by - now)) // SetWriteDeadline may have changed it
		c.awaitEnd()
	}
	return nil
}

// awaitEnd waits for the end of the message that is under way, or of the connection.
func (c *Conn) awaitEnd() {
	if c.messageOver == nil {
		c.messageOver = sync.NewCond(&c.writing)
	}
	c.messageOver.Wait()
}

// beginMessage keeps other messages from being sent until endMessage; inParts says that
// this is up to the application.
func (c *Conn) beginMessage(inParts bool) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.awaitTurn(); err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	c.inMessage, c.inParts = true, inParts
	return nil
}

func (c *Conn) endMessage() {
	c.writing.Lock()
	c.inMessage, c.inParts = false, false
	c.nextTurn()
	c.writing.Unlock()
}

// nextTurn wakes who awaits a turn; c.writing is held.
func (c *Conn) nextTurn() {
	if c.messageOver != nil {
		c.messageOver.Broadcast()
	}
}

// wakeWriters is nextTurn for who may hold c.writing.
func (c *Conn) wakeWriters() {
	c.writing.Lock()
	c.nextTurn()
	c.writing.Unlock()
}

func dataOpcode(op protocol.Opcode) error {
	if op != protocol.OpText && op != protocol.OpBinary {
		return fmt.Errorf("write message: opcode %v is neither text nor binary", op)
	}
	return nil
}

// Ping sends a ping with a payload of at most 125 bytes.
func (c *Conn) Ping(p []byte) error { return c.writeControl(protocol.OpPing, p) }

func (c *Conn) writeControl(op protocol.Opcode, p []byte) error {
	if len(p) > protocol.MaxControlPayload {
		return fmt.Errorf("write %v: payload of %d bytes, at most %d allowed", op, len(p), protocol.MaxControlPayload)
	}
	return c.writeFrame(protocol.Header{Fin: true, Opcode: op}, p)
}

// writeFrame sends one frame, whose header lacks length and mask.
func (c *Conn) writeFrame(h protocol.Header, p []byte) error {
	c.writing.Lock()
	err := c.writeOpen(h, p)
	c.writing.Unlock()
	return err
}

func (c *Conn) writeOpen(h protocol.Header, p []byte) error {
	if err := c.open(); err != nil {
		return err
	}
	return c.write(h, p, true)
}

// open is ErrClosed when nothing may be written any more; c.writing is held.
func (c *Conn) open() error {
	// RFC 6455 5.5.1: nothing after a close frame.
	if c.closeSent || c.Err() != nil {
		return ErrClosed
	}
	return nil
}

// newMaskingKey is unpredictable (RFC 6455 10.3).
func newMaskingKey() uint32 {
	var key [4]byte
	rand.Read(key[:])
	return binary.BigEndian.Uint32(key[:])
}
