// The close handshake, begun by either end.

package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"framescope/protocol"
)

// Close sends a close frame, waits for the peer's, at most CloseTimeout, and
// ends the connection. It returns nil when both close frames were exchanged.
// A message that the peer has still sent goes to a reader, if there is one.
//
// What [Conn.Send] has queued leaves before, unless a message in parts is under way. The
// code is one that may be sent, or CloseNoStatus for none; a reason over 123 bytes is cut.
//
// While OnPong runs the reader cannot take the peer's answer: then Close does not wait for
// it, and returns nil once its frame is sent. The connection ends after CloseTimeout at the
// latest.
func (c *Conn) Close(code protocol.CloseCode, reason string) error {
	if !code.Sendable() && code != protocol.CloseNoStatus || !utf8.ValidString(reason) {
		return fmt.Errorf("close with %v, reason %q: %w", code, reason, errCloseFrame)
	}
	if c.closeBy.get() == 0 {
		c.closeBy.store(now().add(c.options.CloseTimeout))
	}
	late := time.AfterFunc(c.options.CloseTimeout, c.CloseNow)
	c.nc.SetReadDeadline(began) // a reader that waits learns of it
	c.writing.Lock()
	c.sendWaiting()
	err := c.writeClose(code, reason)
	c.writing.Unlock()
	if err == nil && c.inOnPong.Load() {
		return nil // perhaps called from there; late stays
	}
	defer late.Stop()
	if err != nil {
		return c.endedBy(err)
	}
	if c.reading.TryLock() {
		c.abandonMessage()
		for {
			if _, _, err := c.readMessage(); err != nil {
				break
			}
		}
		c.reading.Unlock()
	}
	<-c.Done()
	if c.err.Code == protocol.CloseAbnormal || c.err.cause != nil {
		return c.err
	}
	return nil
}

var errCloseFrame = errors.New("no such close frame may be sent (RFC 6455 7.4.1, 5.5.1)")

// sendClose sends our close frame for the reader. A writer that waits for the peer holds
// it up no longer than a close handshake may take.
func (c *Conn) sendClose(code protocol.CloseCode, reason string) error {
	if !c.writing.TryLock() {
		late := time.AfterFunc(c.options.CloseTimeout, c.CloseNow)
		defer late.Stop()
		c.writing.Lock()
	}
	defer c.writing.Unlock()
	return c.writeClose(code, reason)
}

// writeClose sends our close frame; once is enough (RFC 6455 5.5.1). c.writing is held.
func (c *Conn) writeClose(code protocol.CloseCode, reason string) error {
	if c.closeSent {
		return nil
	}
	if c.Err() != nil {
		return ErrClosed
	}
	var payload [protocol.MaxControlPayload]byte
	h := protocol.Header{Fin: true, Opcode: protocol.OpClose}
	err := c.write(h, protocol.AppendClosePayload(payload[:0], code, reason), false)
	c.closeSent = true
	return err
}

// abandonMessage leaves the last message to whoever still works with it, and reads
// on elsewhere.
func (c *Conn) abandonMessage() {
	c.in.abandon()
	if c.message.op == protocol.OpContinuation {
		c.message.room = room{}
	}
}

// peerClosed answers the peer's close frame and ends the connection.
func (c *Conn) peerClosed(payload []byte) error {
	code, reason, _ := protocol.ParseClosePayload(payload)
	closed := &CloseError{Code: code, Reason: string(reason)}
	c.releaseMessage()
	// RFC 6455 5.5.1: answer with a close frame, typically of the same code.
	c.closeAndEnd(closed, "")
	return closed
}

// fail closes the connection because of the peer's fault (RFC 6455 7.1.7). What has come of a
// message is let go before the peer is told, which may take a while. c.reading is held.
func (c *Conn) fail(code protocol.CloseCode, reason string, cause error) error {
	c.releaseMessage()
	failed := &CloseError{Code: code, Reason: reason, cause: cause}
	if record, ok := c.nc.(abandoner); ok {
		record.Abandon()
	}
	c.closeAndEnd(failed, reason)
	return failed
}

// closeAndEnd sends our close frame, with a reason, lets it arrive and ends the connection.
// Of what the reader guards it touches nothing.
func (c *Conn) closeAndEnd(why *CloseError, reason string) {
	c.settle(why)
	if c.sendClose(why.Code, reason) == nil {
		c.linger()
	}
	c.end(why)
}

// abandoner is a connection that records frames, and is told when the reader gives up the
// one that is under way: what has come of it stands before the close frame that answers it.
type abandoner interface{ Abandon() }

// endedBy ends the connection because of err, if it has not ended yet, and returns
// why it did. Without an error it does nothing.
func (c *Conn) endedBy(err error) error {
	if err == nil {
		return nil
	}
	c.end(&CloseError{Code: protocol.CloseAbnormal, cause: err})
	return c.err
}

const (
	lingerTime  = time.Second
	lingerBytes = 1 << 20
	// maxLingering is how many connections linger at a time: each takes tens of KiB for that.
	maxLingering = 512
)

var lingering atomic.Int32

// linger lets our close frame arrive: closing a socket with unread bytes resets
// it, and a reset can overtake what was sent. So a server closes its half only, and
// what still comes is thrown away until the peer closes too. A client waits for the
// server to begin (RFC 6455 7.1.1). When very many are closed at once most do without.
func (c *Conn) linger() {
	defer lingering.Add(-1)
	if lingering.Add(1) > maxLingering {
		return
	}
	if c.side == protocol.Server {
		half, ok := c.nc.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil {
			return
		}
	}
	until := now().add(min(lingerTime, c.options.CloseTimeout))
	for left := int64(lingerBytes); left > 0 && now() < until; {
		c.nc.SetReadDeadline(until.time())
		n, err := io.CopyN(io.Discard, c.nc, left)
		var timeout net.Error
		if left -= n; !asTimeout(err, &timeout) {
			return // else it was perhaps another deadline
		}
	}
}
