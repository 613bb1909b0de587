// Waiting for the peer: how long, and what it means when nothing comes.

package websocket

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"time"

	"framescope/protocol"
)

// pace is how the peer keeps up: what the read deadline is made of. Only time that we
// wait counts, not what the application takes between reads.
type pace struct {
	armed   clock         // when our patience ends, by the deadline that was set last
	waited  time.Duration // for the rest of a frame, or since the last byte between frames
	message time.Duration // for the rest of a message
	bytes   uint32        // of the frame that came meanwhile, or more than can be counted
	pinged  bool          // after a silence; any byte answers
}

// received counts bytes for which we have waited.
func (p *pace) received(n int, in unfinished, waited time.Duration) {
	p.pinged = false
	if in.message {
		p.message += waited
	}
	if !in.frame {
		p.waited = 0
		return
	}
	p.bytes = uint32(min(uint64(p.bytes)+uint64(n), math.MaxUint32))
	p.waited += waited
}

func (p *pace) frameEnds() { p.waited, p.bytes = 0, 0 }

// unfinished is what the peer has begun.
type unfinished struct{ frame, message bool }

func (c *Conn) unfinished() unfinished {
	op, _ := c.decoder.Message()
	return unfinished{c.decoder.Pending() > 0 || !c.in.empty(), op != protocol.OpContinuation}
}

// receive waits for bytes, at most as long as the limits allow: into to or, if that
// is nil, into the input. What was held back leaves before.
func (c *Conn) receive(to []byte) (int, error) {
	if err := c.flushHeld(); err != nil {
		return 0, c.endedBy(err)
	}
	in := c.unfinished()
	for {
		from := c.armRead(in)
		if c.evicted.Load() != 0 {
			return 0, c.closeEvicted()
		}
		n, err := c.in.fill(c.nc, to)
		if n > 0 {
			c.pace.received(n, in, time.Duration(now()-from))
			return n, nil
		}
		if err == nil {
			continue
		}
		if retry, err := c.readFailed(err, in, from); !retry {
			return 0, err
		}
	}
}

// readFailed decides what a read that failed after a wait means: after a first silence
// the peer is pinged and gets another chance.
func (c *Conn) readFailed(err error, in unfinished, from clock) (retry bool, ended error) {
	var timeout net.Error
	if !asTimeout(err, &timeout) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return false, c.endedBy(err)
	}
	p, now, closeBy := &c.pace, now(), c.closeBy.get()
	p.waited += time.Duration(now - from)
	if in.message {
		p.message += time.Duration(now - from)
	}
	switch {
	case closeBy.passed(now):
		return false, c.endedBy(err)
	case closeBy == 0 && c.readBy.get().passed(now):
		return false, fmt.Errorf("read message: %w", os.ErrDeadlineExceeded)
	case now < p.armed:
		p.armed = 0 // the deadline was not this one
		return true, nil
	case in.frame && p.waited >= c.framePatience():
		return false, c.fail(protocol.ClosePolicy, "a frame took too long to arrive", ErrSlowFrame)
	case in.message && p.message >= c.messagePatience():
		return false, c.fail(protocol.ClosePolicy, "a message took too long to arrive", ErrSlowMessage)
	case in.frame:
		return true, nil
	case p.pinged:
		return false, c.fail(protocol.ClosePolicy, "no answer to a ping", ErrNoPong)
	}
	p.pinged, p.waited = true, 0
	go c.Ping(nil) // that may wait, which the reader must not; a failure ends the connection
	return true, nil
}

// framePatience and messagePatience are how long we wait for a frame and a message in all.
func (c *Conn) framePatience() time.Duration {
	return c.options.FrameTimeout + time.Duration(c.pace.bytes/minFrameRate)*time.Second
}

func (c *Conn) messagePatience() time.Duration {
	_, declared := c.decoder.Message()
	came := declared - min(declared, c.decoder.Pending())
	return c.options.MessageTimeout + time.Duration(min(came/minFrameRate, uint64(farthest/time.Second/2)))*time.Second
}

// armRead sets the read deadline and returns the present. While idle it is moved only
// once a quarter of its time is used up: setting one costs more than reading a small
// message.
func (c *Conn) armRead(in unfinished) clock {
	p, o, now := &c.pace, c.options, now()
	if by := c.closeBy.get(); by != 0 {
		p.armed = by
		c.nc.SetReadDeadline(by.time())
		return now
	}
	left := o.IdleTimeout - p.waited
	switch {
	case in.frame:
		left = c.framePatience() - p.waited
	case p.pinged:
		left = o.PongTimeout - p.waited
	}
	if in.message {
		left = min(left, c.messagePatience()-p.message)
	}
	want, idle := now.add(left), !in.frame && !in.message && !p.pinged
	if idle && c.until() == 0 && p.armed < want && time.Duration(want-p.armed) < o.IdleTimeout/4 {
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
