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

// clock is a moment, in nanoseconds since the program began: half the price of
// [time.Now].
type clock int64

var began = time.Now().Add(-1) // so that 0 is no moment

func now() clock { return clock(time.Since(began)) }

func (t clock) add(d time.Duration) clock { return t + clock(d) }

func (t clock) time() time.Time { return began.Add(time.Duration(t)) }

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
		return 0, err
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
	now, closeBy := now(), c.closeBy.Load()
	c.pace.waited += time.Duration(now - from)
	switch {
	case past(closeBy, now):
		return false, c.endedBy(err)
	case closeBy == 0 && past(c.readBy.Load(), now):
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
	if by := c.until(); by != 0 && by < want.time().UnixNano() {
		c.nc.SetReadDeadline(time.Unix(0, by))
	}
	return now
}

// until is when reading ends whatever comes, ns since the epoch; 0 for never. Once the
// connection closes, that bounds it.
func (c *Conn) until() int64 {
	if by := c.closeBy.Load(); by != 0 {
		return by
	}
	return c.readBy.Load()
}

// sooner is the earlier of two deadlines, of which 0 is none.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// past reports whether a deadline, if there is one, is over.
func past(deadline int64, now clock) bool {
	return deadline != 0 && now.time().UnixNano() >= deadline
}

func asTimeout(err error, timeout *net.Error) bool {
	return errors.As(err, timeout) && (*timeout).Timeout()
}
