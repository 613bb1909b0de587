// Waiting for the peer: how long, and what it means when nothing comes.

package websocket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"framescope/protocol"
)

// pace is how the peer keeps up: what the read deadline is made of. Only time that we
// wait counts, not what the application takes between reads.
type pace struct {
	armed  clock         // when our patience ends, by the deadline that was set last
	waited time.Duration // for the rest of a frame, or since the last byte between frames
	bytes  int           // of the frame that came meanwhile
	pinged bool          // after a silence; any byte answers
}

// received counts bytes for which we have waited since from.
func (p *pace) received(n int, inFrame bool, from clock) {
	p.pinged = false
	if !inFrame {
		p.waited = 0
		return
	}
	p.bytes += n
	p.waited += time.Duration(now() - from)
}

func (p *pace) frameEnds() { p.waited, p.bytes = 0, 0 }

// receive waits for bytes, at most as long as the limits allow: into to or, if that
// is nil, into the input. What was held back leaves before.
func (c *Conn) receive(to []byte) (int, error) {
	if err := c.flushHeld(); err != nil {
		return 0, c.endedBy(err)
	}
	inFrame := c.decoder.Pending() > 0 || !c.in.empty()
	for {
		from := c.armRead(inFrame)
		n, err := c.in.fill(c.nc, to)
		if n > 0 {
			c.pace.received(n, inFrame, from)
			return n, nil
		}
		if err == nil {
			continue
		}
		if retry, err := c.readFailed(err, inFrame, from); !retry {
			return 0, err
		}
	}
}

// readFailed decides what a read that failed after a wait means: after a first silence
// the peer is pinged and gets another chance.
func (c *Conn) readFailed(err error, inFrame bool, from clock) (retry bool, ended error) {
	var timeout net.Error
	if !asTimeout(err, &timeout) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return false, c.endedBy(err)
	}
	now, closeBy := now(), c.closeBy.get()
	c.pace.waited += time.Duration(now - from)
	switch {
	case closeBy.passed(now):
		return false, c.endedBy(err)
	case closeBy == 0 && c.readBy.get().passed(now):
		return false, fmt.Errorf("read message: %w", os.ErrDeadlineExceeded)
	case now < c.pace.armed:
		c.pace.armed = 0 // the deadline was not this one
		return true, nil
	case inFrame:
		return false, c.fail(protocol.ClosePolicy, "a frame took too long to arrive", ErrSlowFrame)
	case c.pace.pinged:
		return false, c.fail(protocol.ClosePolicy, "no answer to a ping", ErrNoPong)
	}
	c.pace.pinged, c.pace.waited = true, 0
	go c.Ping(nil) // that may wait, which the reader must not; a failure ends the connection
	return true, nil
}

// armRead sets the read deadline and returns the present. While idle it is moved only
// once a quarter of its time is used up: setting one costs more than reading a small
// message.
func (c *Conn) armRead(inFrame bool) clock {
	p, o, now := &c.pace, c.options, now()
	if by := c.closeBy.get(); by != 0 {
		p.armed = by
		c.nc.SetReadDeadline(by.time())
		return now
	}
	patience := o.IdleTimeout
	switch {
	case inFrame:
		patience = o.FrameTimeout + time.Duration(p.bytes/minFrameRate)*time.Second
	case p.pinged:
		patience = o.PongTimeout
	}
	want := now.add(patience - p.waited)
	if !inFrame && !p.pinged && c.until() == 0 && p.armed < want && time.Duration(want-p.armed) < o.IdleTimeout/4 {
		return now
	}
	p.armed = want
	c.nc.SetReadDeadline(want.time())
	// Whoever sets one of these wakes us through the socket, and perhaps did just before.
	if by := c.until(); by != 0 && by < want {
		c.nc.SetReadDeadline(by.time())
	}
	return now
}

// until is when reading ends whatever comes. Once the connection closes, that bounds it.
func (c *Conn) until() clock {
	if by := c.closeBy.get(); by != 0 {
		return by
	}
	return c.readBy.get()
}

func asTimeout(err error, timeout *net.Error) bool {
	return errors.As(err, timeout) && (*timeout).Timeout()
}
