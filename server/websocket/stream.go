// Messages in parts: larger than memory, or not known in full when they begin.

package websocket

import (
	"cmp"
	"errors"
	"io"

	"framescope/protocol"
)

// NextReader waits for the next data message and returns its opcode and a reader
// of its payload, which comes as it arrives. The reader ends with io.EOF, or with
// what ReadMessage would say; it is of use until the next NextReader or
// ReadMessage, which pass over what it has left. Text is checked up to where it
// has been read. MaxMessageSize bounds the message here too.
func (c *Conn) NextReader() (protocol.Opcode, io.Reader, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	defer c.holdAnswers()
	m := &c.message
	if err := c.skipStream(); err != nil {
		return 0, nil, err
	}
	r := &messageReader{conn: c}
	if m.op == protocol.OpContinuation {
		c.releaseRoom()
		ev, err := c.nextData()
		if err != nil {
			return 0, nil, err
		}
		if err := r.take(ev); err != nil {
			return 0, nil, err
		}
	} else {
		r.part = m.room.bytes // a ReadMessage that ran out of time has left it
	}
	m.stream = r
	return m.op, r, nil
}

// skipStream reads what is left of a message that is read in parts. Its reader is of no
// use any more.
func (c *Conn) skipStream() error {
	m := &c.message
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

// messageReader reads one message. The connection's lock guards its fields.
type messageReader struct {
	conn  *Conn
	part  []byte // that has come and is not read
	last  bool   // no more parts come
	stale bool   // another message is read
}

var errStaleReader = errors.New("websocket: another message is being read")

func (r *messageReader) Read(p []byte) (int, error) {
	c := r.conn
	c.reading.Lock()
	defer c.reading.Unlock()
	defer c.holdAnswers()
	if r.stale {
		return 0, cmp.Or(c.Err(), errStaleReader)
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
	ev, err := r.conn.nextData()
	if err != nil {
		return err
	}
	return r.take(ev)
}

func (r *messageReader) take(ev protocol.Event) error {
	c := r.conn
	r.last = ev.End && c.decoder.Header().Fin
	r.part = ev.Data
	if !c.decoder.Compressed() {
		return nil
	}
	m := &c.message
	m.room.bytes = m.room.bytes[:0]
	err := c.inflate(ev)
	r.part = m.room.bytes
	return err
}

// NextWriter begins a message that is sent in parts, as fragments of 32 KiB or
// what Close leaves; a shorter one leaves whole. Other messages wait until Close,
// WriteTimeout at most; it must be called; control frames do not. Since its length is not known it is
// compressed however short it is, where permessage-deflate was agreed.
func (c *Conn) NextWriter(op protocol.Opcode) (io.WriteCloser, error) {
	if err := dataOpcode(op); err != nil {
		return nil, err
	}
	if err := c.beginMessage(true); err != nil {
		return nil, err
	}
	w := &messageWriter{conn: c, header: protocol.Header{Opcode: op}, parts: takeBuffer()}
	if c.compresses(fragmentSize) {
		w.header.RSV = protocol.RSV1
		w.deflater = c.takeDeflater()
	}
	return w, nil
}

// fragmentSize is how much of a message in parts goes into a frame, in bytes.
const fragmentSize = 32 << 10

// messageWriter writes one message.
type messageWriter struct {
	conn     *Conn
	header   protocol.Header // of the next fragment
	parts    *buffer         // what is to be sent, nil when it is closed
	n        int
	deflater *deflater
}

var errWriterClosed = errors.New("websocket: write to a message that is closed")

func (w *messageWriter) Write(p []byte) (n int, err error) {
	if w.parts == nil {
		return 0, errWriterClosed
	}
	if w.deflater != nil {
		return len(p), w.compress(p)
	}
	for n < len(p) {
		if w.n == fragmentSize {
			if err := w.send(w.parts[:w.n], false); err != nil {
				return n, err
			}
			w.n = 0
		}
		took := copy(w.parts[w.n:fragmentSize], p[n:])
		w.n += took
		n += took
	}
	return n, nil
}

// compress sends what has come out of the compressor, once it is enough.
func (w *messageWriter) compress(p []byte) error {
	d := w.deflater
	if err := d.write(p); err != nil {
		return err
	}
	if len(d.out.bytes) < fragmentSize {
		return nil
	}
	err := w.send(d.out.bytes, false)
	d.out.bytes = d.out.bytes[:0]
	return err
}

// Close sends the last fragment.
func (w *messageWriter) Close() error {
	if w.parts == nil {
		return errWriterClosed
	}
	defer w.conn.endMessage()
	last := w.parts[:w.n]
	if d := w.deflater; d != nil {
		defer w.conn.giveDeflater(d)
		var err error
		if last, err = d.finish(); err != nil {
			return err
		}
	}
	err := w.send(last, true)
	giveBuffer(w.parts)
	w.parts = nil
	return err
}

func (w *messageWriter) send(p []byte, fin bool) error {
	h := w.header
	h.Fin = fin
	// RFC 6455 5.4, RFC 7692 6: opcode and RSV1 stand in the first fragment.
	w.header = protocol.Header{Opcode: protocol.OpContinuation}
	return w.conn.writeFrame(h, p)
}
