// Echo: a number of messages under way on each connection.

package bench

import (
	"bytes"
	"fmt"
	"time"

	"framescope/protocol"
)

// work is a row under way at one server.
type work interface {
	measure(length time.Duration) (done int, err error)
	// received is how many bytes of answers came so far, heads of handshakes aside.
	received() int
	// seen is the share of frames that a page was shown, 0 without one.
	seen() float64
	end()
}

// echoKind is what is echoed.
type echoKind struct {
	path, fields  string
	conns, flight int
	op            protocol.Opcode
	payloads      [][]byte // sent in turns
	deflate       bool
	takeover      bool // of the server's context
}

// echo is one kind of echo under way.
type echo struct {
	*load
	echoKind
	sizes []int // of the frames in turn
	begun bool
}

func (k echoKind) begin(s *child) (work, error) {
	l, err := newLoad(s)
	if err != nil {
		return nil, err
	}
	e := &echo{load: l, echoKind: k}
	var out []byte
	for _, p := range k.payloads {
		rsv := uint8(0)
		if k.deflate {
			p, rsv = deflated(p), protocol.RSV1
		}
		f := frame(k.op, rsv, p)
		e.sizes = append(e.sizes, len(f))
		out = append(out, f...)
	}
	if len(k.payloads) == 1 {
		out = bytes.Repeat(out, k.flight) // so that all under way leave in one write
	}
	for range k.conns {
		c, err := l.add(s.addr, k.path, k.fields, out)
		if err != nil {
			l.close()
			return nil, err
		}
		e.watchOver(c)
	}
	return e, nil
}

// watchOver has the first answers of a connection compared with what was sent, and
// later a few more. Context that is taken over ties each answer to those before it.
func (e *echo) watchOver(c *client) {
	c.samples = func(number int) bool { return number < 4 || number%509 == 0 }
	if e.takeover {
		c.samples = func(number int) bool { return number < 16 }
	}
	var context []byte
	c.check = func(number int, rsv1 bool, p []byte) error {
		want := e.payloads[number%len(e.payloads)]
		if rsv1 {
			clear, err := inflated(p, context)
			if err != nil {
				return fmt.Errorf("answer %d: %w", number, err)
			}
			p = clear
		}
		if e.takeover {
			context = append(context, p...)
		}
		if !bytes.Equal(p, want) || rsv1 != e.deflate {
			return fmt.Errorf("answer %d is %d bytes %.40q, compressed %v, not the %d that were sent", number, len(p), p, rsv1, len(want))
		}
		return nil
	}
}

func (e *echo) measure(length time.Duration) (done int, err error) {
	if !e.begun {
		e.begun = true
		for _, c := range e.clients {
			if e.page != nil && c == e.page.client {
				continue
			}
			if err := e.allow(c, e.bytes(0, e.flight)); err != nil {
				return 0, err
			}
		}
	}
	err = e.run(time.Now().Add(length), func(c *client, n int) error {
		done += n
		return e.allow(c, e.bytes(c.answers-n+e.flight, n))
	})
	return done, err
}

// bytes is how long n frames are, of which the first is number from.
func (e *echo) bytes(from, n int) (size int) {
	if len(e.sizes) == 1 {
		return n * e.sizes[0]
	}
	for i := range n {
		size += e.sizes[(from+i)%len(e.sizes)]
	}
	return size
}

func (e *echo) end() { e.close() }
