// Prepared messages: encoded once, sent to many.

package websocket

import (
	"fmt"
	"sync"
	"sync/atomic"

	"framescope/protocol"
)

// Prepared is a message that is encoded already.
type Prepared struct {
	opcode     protocol.Opcode
	payload    []byte
	wire       []byte // the frame as a server sends it
	compress   sync.Once
	compressed []byte       // that frame, compressed by itself; nil if that makes it no smaller
	queues     atomic.Int64 // how many it waits in
}

// Prepare encodes a message for [Conn.Send] on any number of connections, in either role. op is
// [Text] or [Binary]; that text is valid UTF-8 is not checked.
func Prepare(op Opcode, p []byte) (*Prepared, error) {
	if err := dataOpcode(op); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	m := &Prepared{opcode: op}
	m.wire = encodeFrame(protocol.Header{Fin: true, Opcode: op}, p)
	m.payload = m.wire[len(m.wire)-len(p):]
	return m, nil
}

// Payload returns the message's payload, which must not be changed.
func (m *Prepared) Payload() []byte { return m.payload }

func encodeFrame(h protocol.Header, p []byte) []byte {
	h.PayloadLength = uint64(len(p))
	wire := make([]byte, 0, h.Size()+len(p))
	return append(protocol.AppendHeader(wire, h), p...)
}

// frameFor is the frame for the given connection, not masked: compressed, once for all, where
// each message is compressed by itself and in the largest window.
func (m *Prepared) frameFor(o *outbound) []byte {
	side := o.link.side
	if !o.compresses(len(m.payload)) || !o.deflate.NoContextTakeover(side) || o.deflate.WindowBits(side) < 15 {
		return m.wire
	}
	m.compress.Do(func() {
		d := o.getDeflater()
		defer o.putDeflater(d)
		if small, err := d.message(m.payload); err == nil && len(small) < len(m.payload) {
			m.compressed = encodeFrame(protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: m.opcode}, small)
		}
	})
	if m.compressed != nil {
		return m.compressed
	}
	return m.wire
}
