// Reading: from the socket through the decoder to whole messages.

package websocket

import (
	"errors"
	"io"
	"net"
	"time"

	"framescope/protocol"
)

// keptMessage is the largest message buffer in bytes that stays for the next one.
const keptMessage = 64 << 10

// ReadMessage waits for the next data message and returns its opcode, text or
// binary, and its payload, which is valid until the next call. Text is valid
// UTF-8. Control frames are answered on the way. The error is a [CloseError],
// whose cause is a [protocol.Breach] when the peer broke a rule; by then the
// close frame has been sent.
func (c *Conn) ReadMessage() (protocol.Opcode, []byte, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	return c.readMessage()
}

func (c *Conn) readMessage() (op protocol.Opcode, p []byte, err error) {
	if c.message = c.message[:0]; cap(c.message) > keptMessage {
		c.message = nil
	}
	for {
		ev, err := c.next()
		if err != nil {
			return 0, nil, err
		}
		h := c.decoder.Header()
		if h.Opcode.Control() {
			if err := c.control(h.Opcode, ev); err != nil {
				return 0, nil, err
			}
			continue
		}
		if ev.Start && h.Opcode != protocol.OpContinuation {
			op = h.Opcode
			if ev.End && h.Fin {
				return op, ev.Data, nil // whole, in the read buffer: no copy
			}
		}
		c.message = append(c.message, ev.Data...)
		if ev.End && h.Fin {
			return op, c.message, nil
		}
		if err := c.readLong(h); err != nil {
			return 0, nil, err
		}
		if c.decoder.Pending() == 0 && h.Fin {
			return op, c.message, nil
		}
	}
}

// next is the next event. Its data are valid until the following call.
func (c *Conn) next() (protocol.Event, error) {
	for {
		ev, n := c.decoder.Next(c.buf[c.r:c.w])
		c.r += n
		if n > 0 {
			return ev, c.judge(ev)
		}
		if c.r > 0 {
			c.w = copy(c.buf, c.buf[c.r:c.w])
			c.r = 0
		}
		n, err := c.fill(c.buf[c.w:])
		if err != nil {
			return ev, err
		}
		c.w += n
	}
}

// readLong reads the rest of a long frame straight into the message. The buffer
// grows with what has been received, never by what was declared.
func (c *Conn) readLong(h protocol.Header) error {
	for c.r == c.w && c.decoder.Pending() > readBufferSize {
		if cap(c.message)-len(c.message) < readBufferSize {
			c.message = append(c.message, make([]byte, max(len(c.message), readBufferSize))...)[:len(c.message)]
		}
		space := c.message[len(c.message):cap(c.message)]
		if left := c.decoder.Pending(); uint64(len(space)) > left {
			space = space[:left]
		}
		n, err := c.fill(space)
		if err != nil {
			return err
		}
		ev, _ := c.decoder.Next(space[:n])
		if err := c.judge(ev); err != nil {
			return err
		}
		c.message = c.message[:len(c.message)+n]
	}
	return nil
}

// judge ends the connection at a breach.
func (c *Conn) judge(ev protocol.Event) error {
	if ev.End {
		c.pace.frameEnds()
	}
	if ev.Broken == 0 {
		return nil
	}
	breach := c.decoder.Breach()
	return c.fail(breach.Rule.CloseCode(), breach.Text(), breach)
}

// control answers a control frame, which comes in one event.
func (c *Conn) control(op protocol.Opcode, ev protocol.Event) error {
	switch op {
	case protocol.OpPing:
		// RFC 6455 5.5.2: answer with a pong of the same payload, unless a close
		// frame has been sent or received.
		return c.unlessClosing(c.writeControl(protocol.OpPong, ev.Data))
	case protocol.OpClose:
		return c.peerClosed(ev.Data)
	}
	return nil
}

// unlessClosing ends the connection because of a failed write, but not because
// our close frame stood before it: then the peer's is still to be read.
func (c *Conn) unlessClosing(err error) error {
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return c.ended(err)
}

// fill reads from the socket, at most as long as the limits allow.
func (c *Conn) fill(b []byte) (int, error) {
	inFrame := c.decoder.Pending() > 0 || c.w > c.r
	for {
		c.armRead(inFrame)
		n, err := c.nc.Read(b)
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
	switch {
	case !errors.As(err, &timeout) || !timeout.Timeout():
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return false, c.ended(err)
	case c.closeBy.Load() != 0:
		return false, c.ended(err)
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

// pace is how the peer keeps up: what the read deadline is made of.
type pace struct {
	armed  time.Time // the deadline that the socket has
	began  time.Time // when waiting for the rest of a frame began; zero between frames
	bytes  int       // of that frame since then
	pinged bool      // after a silence; any byte answers
}

func (p *pace) received(n int, inFrame bool) {
	p.pinged = false
	if inFrame {
		p.bytes += n
	}
}

func (p *pace) frameEnds() { p.began, p.bytes = time.Time{}, 0 }

// armRead sets the read deadline. While idle it is moved only once a quarter of
// its time is used up: setting one costs more than reading a small message.
func (c *Conn) armRead(inFrame bool) {
	p, o, now := &c.pace, &c.options, time.Now()
	var want time.Time
	switch {
	case inFrame:
		if p.began.IsZero() {
			p.began = now
		}
		want = p.began.Add(o.FrameTimeout + time.Duration(p.bytes/minFrameRate)*time.Second)
	case p.pinged:
		want = now.Add(o.PongTimeout)
	default:
		want = now.Add(o.IdleTimeout)
		if p.armed.Before(want) && want.Sub(p.armed) < o.IdleTimeout/4 && c.closeBy.Load() == 0 {
			return
		}
	}
	p.armed = want
	c.nc.SetReadDeadline(want)
	if by := c.closeBy.Load(); by != 0 {
		c.nc.SetReadDeadline(time.Unix(0, by))
	}
}
