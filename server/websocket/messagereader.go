// Reading messages in parts.

package websocket

import (
	"cmp"
	"errors"
	"io"

	"framescope/protocol"
)

func (in *inbound) nextReader() (protocol.Opcode, io.Reader, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.updateHold()
	m := &in.message
	if err := in.skipStream(); err != nil {
		return 0, nil, err
	}
	r := &messageReader{in: in}
	if m.op == protocol.OpContinuation {
		in.releaseMessageBuffer()
		ev, err := in.nextData()
		if err != nil {
			return 0, nil, err
		}
		if err := r.setPart(ev); err != nil {
			return 0, nil, err
		}
	} else {
		r.part = m.buffer.bytes // of a ReadMessage whose deadline passed
	}
	m.stream = r
	return m.op, r, nil
}

// skipStream reads to the end of a message that is read in parts. Its reader cannot be used
// any more.
func (in *inbound) skipStream() error {
	m := &in.message
	if m.stream != nil {
		m.stream.stale = true
	}
	for m.stream != nil {
		if m.stream.last {
			m.stream, m.op = nil, protocol.OpContinuation
			return nil
		}
		if err := m.stream.next(); err != nil {
			return err
		}
	}
	return nil
}

// messageReader reads one message. The mutex of the inbound half guards its fields.
type messageReader struct {
	in    *inbound
	part  []byte // received and not read yet
	last  bool   // there are no more parts
	stale bool   // another message is being read
}

var errStaleReader = errors.New("websocket: another message is being read")

func (r *messageReader) Read(p []byte) (int, error) {
	in := r.in
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.updateHold()
	if r.stale {
		return 0, cmp.Or(in.link.Err(), errStaleReader)
	}
	for len(r.part) == 0 {
		if r.last {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.part)
	r.part = r.part[n:]
	return n, nil
}

// next reads the next part.
func (r *messageReader) next() error {
	ev, err := r.in.nextData()
	if err != nil {
		return err
	}
	return r.setPart(ev)
}

// setPart makes the data of an event the part that is read next.
func (r *messageReader) setPart(ev protocol.Event) error {
	in := r.in
	r.last = ev.End && in.decoder.Header().Fin
	r.part = ev.Data
	if !in.decoder.Compressed() {
		return nil
	}
	b := &in.message.buffer
	b.bytes = b.bytes[:0]
	err := in.inflate(ev)
	r.part = b.bytes
	return err
}
