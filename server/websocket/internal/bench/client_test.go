// One connection of the load: what it sends over and over, and what it makes of
// the answers.

package bench

import (
	"fmt"

	"framescope/protocol"
)

// client is one connection of the load.
type client struct {
	fd      int
	out     []byte // what is sent over and over
	at      int    // in out
	owed    int    // bytes of it that may be sent
	blocked bool   // waits until the socket takes more

	answers int // whole messages so far
	header  []byte
	h       protocol.Header // of the frame under way
	left    uint64          // of its payload still to come
	within  bool            // a frame is under way
	sampled bool            // this answer is looked at
	rsv1    bool            // of its first frame
	sample  []byte

	// samples says which answers, by number, are looked at; check then does so.
	samples func(number int) bool
	check   func(number int, rsv1 bool, p []byte) error
}

// read reads what the server has sent, and counts the messages that end in it.
func (c *client) read(b []byte) (answers int, err error) {
	before := c.answers
	for len(b) > 0 {
		if !c.within {
			if b, err = c.begin(b); err != nil || !c.within {
				return c.answers - before, err
			}
		}
		took := min(uint64(len(b)), c.left)
		if c.sampled && !c.h.Opcode.Control() {
			c.sample = append(c.sample, b[:took]...)
		}
		b = b[took:]
		if c.left -= took; c.left == 0 {
			if err := c.end(); err != nil {
				return c.answers - before, err
			}
		}
	}
	return c.answers - before, nil
}

// begin reads a frame's header, which may have come in parts.
func (c *client) begin(b []byte) (rest []byte, err error) {
	had := len(c.header)
	at := b
	if had > 0 {
		c.header = append(c.header, b[:min(len(b), protocol.MaxHeaderSize-had)]...)
		at = c.header
	}
	h, n := protocol.ParseHeader(at)
	if n == 0 {
		if had == 0 {
			c.header = append(c.header, b...)
		}
		return nil, nil
	}
	if h.Opcode == protocol.OpClose {
		return nil, fmt.Errorf("the server closed with % x", b)
	}
	c.header = c.header[:0]
	c.h, c.left, c.within = h, h.PayloadLength, true
	if !h.Opcode.Control() && h.Opcode != protocol.OpContinuation {
		c.sampled = c.check != nil && c.samples(c.answers)
		c.rsv1 = h.RSV&protocol.RSV1 != 0
		c.sample = c.sample[:0]
	}
	return b[n-had:], nil
}

// end is the end of a frame, and of the message if it is its last.
func (c *client) end() error {
	c.within = false
	if c.h.Opcode.Control() || !c.h.Fin {
		return nil
	}
	c.answers++
	if !c.sampled {
		return nil
	}
	if c.h.Masked { // the raw server's answer is what was sent
		protocol.Mask(c.h.MaskingKey, 0, c.sample)
	}
	return c.check(c.answers-1, c.rsv1, c.sample)
}

// frame is a client's frame with a masking key that is no zero.
func frame(op protocol.Opcode, rsv uint8, p []byte) []byte {
	return appendFrame(nil, protocol.Header{Fin: true, RSV: rsv, Opcode: op}, p)
}

func appendFrame(wire []byte, h protocol.Header, p []byte) []byte {
	h.Masked, h.MaskingKey, h.PayloadLength = true, 0x37fa213d, uint64(len(p))
	wire = append(protocol.AppendHeader(wire, h), p...)
	protocol.Mask(h.MaskingKey, 0, wire[len(wire)-len(p):])
	return wire
}
