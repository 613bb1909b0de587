// Ending a connection from our side: with a close handshake, at once, or for the server's memory.

package websocket

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"framescope/protocol"
	"framescope/server/memory"
)

// Close sends a close frame, waits for the peer's, at most CloseTimeout, and
// ends the connection. It returns nil when both close frames were exchanged.
// Messages that the peer sends meanwhile are returned to a goroutine that reads,
// if there is one, and otherwise discarded.
//
// What [Conn.Send] has queued is sent before, unless a message is being sent in parts. The
// code is one that may be sent, or CloseNoStatus for none; a reason of more than 123 bytes
// is cut.
//
// While OnPong runs, the reader cannot read the peer's answer: then Close does not wait for
// it, and returns nil once its frame has been sent. The connection ends after CloseTimeout
// at the latest.
func (c *Conn) Close(code CloseCode, reason string) error {
	if !code.Sendable() && code != protocol.CloseNoStatus || !utf8.ValidString(reason) {
		return fmt.Errorf("close with %v, reason %q: %w", code, reason, errCloseFrame)
	}
	c.link.beginClose()
	late := time.AfterFunc(c.link.options.CloseTimeout, c.CloseNow)
	c.in.wake()
	err := c.out.sendQueueAndClose(code, reason)
	if err == nil && c.in.inPong.Load() {
		return nil // perhaps called from OnPong; late stays
	}
	defer late.Stop()
	if err != nil {
		return c.link.endedBy(err)
	}
	c.in.readUntilEnd()
	<-c.Done()
	if c.link.err.Code == protocol.CloseAbnormal || c.link.err.cause != nil {
		return c.link.err
	}
	return nil
}

var errCloseFrame = errors.New("no such close frame may be sent (RFC 6455 7.4.1, 5.5.1)")

// startClose sends a close frame without waiting, and leaves the handshake to the
// reader. If something else has to be sent before, or no goroutine reads, Close does it.
func (c *Conn) startClose(code protocol.CloseCode, reason string) {
	c.link.beginClose()
	if c.in.idle() || !c.out.postClose(code, reason) {
		go c.Close(code, reason)
	}
}

// CloseNow ends the connection without a close handshake. If a write waits for the peer, what the
// system keeps for that peer is discarded.
func (c *Conn) CloseNow() { c.out.closeNow() }

func (o *outbound) closeNow() {
	why := &CloseError{Code: protocol.CloseAbnormal, cause: ErrClosed}
	if o.waits() {
		o.link.drop(why)
		return
	}
	o.link.end(why)
}

// finish is CloseNow after what is held and queued has been sent.
func (c *Conn) finish() {
	late := time.AfterFunc(c.link.options.WriteTimeout+c.link.options.CloseTimeout, c.CloseNow)
	defer late.Stop()
	if c.out.sendAll() {
		c.in.lingerIfIdle()
	}
	c.CloseNow()
}

// linkOwner is the connection as its link sees it.
type linkOwner Conn

// afterEnd implements owner.
func (c *linkOwner) afterEnd() {
	c.out.ended()
	if c.server != nil {
		c.server.remove((*Conn)(c))
	}
}

// Evict implements [memory.Holder]: the reader gives up, or the connection ends without it.
func (c *linkOwner) Evict(tooLarge bool) {
	why, err := uint32(evictedFull), memory.ErrFull
	if tooLarge {
		why, err = evictedTooLarge, memory.ErrTooLarge
	}
	c.link.evicted.CompareAndSwap(0, why)
	drop := func() { c.link.drop(&CloseError{Code: protocol.CloseAbnormal, cause: err}) }
	if c.out.waits() {
		go drop() // the peer does not read: no close frame would arrive
		return
	}
	c.in.wake()
	time.AfterFunc(evictTime, drop)
}

// evictTime is how long a connection may take to end after it was evicted.
const evictTime = 3 * time.Second
