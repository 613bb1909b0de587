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

// pace is how the peer keeps up: what the read deadline is made of.
type pace struct {
	armed  clock // when our patience ends, by the deadline that the socket has
	began  clock // when waiting for the rest of a frame began; 0 between frames
	bytes  int   // of that frame since then
	pinged bool  // after a silence; any byte answers
}

// clock is a moment, in nanoseconds since the program began: half the price of
// [time.Now].
type clock int64

var began = time.Now().Add(-1) // so that 0 is no moment

func now() clock { return clock(time.Since(began)) }

func (t clock) add(d time.Duration) clock { return t + clock(d) }

func (t clock) time() time.Time { return began.Add(time.Duration(t)) }

func (p *pace) received(n int, inFrame bool) {
	p.pinged = false
	if inFrame {
		p.bytes += n
	}
}

func (p *pace) frameEnds() { p.began, p.bytes = 0, 0 }

// receive waits for bytes, at most as long as the limits allow: into to or, if that
// is nil, into the input. What was held back leaves before.
func (c *Conn) receive(to []byte) (int, error) {
	if err := c.flushHeld(); err != nil {
		return 0, err
	}
	inFrame := c.decoder.Pending() > 0 || !c.in.empty()
	for {
		c.armRead(inFrame)
		n, err := c.in.fill(c.nc, to)
		if n > 0 {
			c.pace.received(n, inFrame)
			return n, nil
		}
		if err == nil {
			continue
		}
		if retry, err := c.readFailed(err, inFrame); !retry {
			return 0, err
		}
	}
}

// readFailed decides what a failed read means: after a first silence the peer
// is pinged and gets another chance.
func (c *Conn) readFailed(err error, inFrame bool) (retry bool, ended error) {
	var timeout net.Error
	if !asTimeout(err, &timeout) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return false, c.endedBy(err)
	}
	now := now()
	switch {
	case past(c.closeBy.Load(), now):
		return false, c.endedBy(err)
	case past(c.readBy.Load(), now):
		return false, fmt.Errorf("read message: %w", os.ErrDeadlineExceeded)
	case now < c.pace.armed:
		c.pace.armed = 0 // the deadline was not this one
		return true, nil
	case inFrame:
		return false, c.fail(protocol.ClosePolicy, "a frame took too long to arrive", ErrSlowFrame)
	case c.pace.pinged:
		return false, c.fail(protocol.ClosePolicy, "no answer to a ping", ErrNoPong)
	}
	c.pace.pinged = true
	if err := c.unlessClosing(c.writeControl(protocol.OpPing, nil)); err != nil {
		return false, err
	}
	return true, nil
}

// armRead sets the read deadline. While idle it is moved only once a quarter of
// its time is used up: setting one costs more than reading a small message.
func (c *Conn) armRead(inFrame bool) {
	p, o, now := &c.pace, c.options, now()
	by := sooner(c.closeBy.Load(), c.readBy.Load())
	var want clock
	switch {
	case inFrame:
		if p.began == 0 {
			p.began = now
		}
		want = p.began.add(o.FrameTimeout + time.Duration(p.bytes/minFrameRate)*time.Second)
	case p.pinged:
		want = now.add(o.PongTimeout)
	default:
		want = now.add(o.IdleTimeout)
		if by == 0 && p.armed < want && time.Duration(want-p.armed) < o.IdleTimeout/4 {
			return
		}
	}
	p.armed = want
	c.nc.SetReadDeadline(want.time())
	// Whoever sets one of these sets the socket's too, and perhaps just before us.
	if by = sooner(c.closeBy.Load(), c.readBy.Load()); by != 0 && by < want.time().UnixNano() {
		c.nc.SetReadDeadline(time.Unix(0, by))
	}
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
