// Sending messages in parts.

package websocket

import (
	"errors"
	"io"

	"framescope/protocol"
)

func (o *outbound) nextWriter(op protocol.Opcode) (io.WriteCloser, error) {
	if err := dataOpcode(op); err != nil {
		return nil, err
	}
	if err := o.beginMessage(true, nil); err != nil {
		return nil, err
	}
	w := &messageWriter{out: o, header: protocol.Header{Opcode: op}, parts: getBuffer()}
	if o.compresses(fragmentSize) {
		w.header.RSV = protocol.RSV1
		w.deflater = o.getDeflater()
	}
	return w, nil
}

// fragmentSize is the payload of each frame of a message in parts but the last, in bytes.
const fragmentSize = 32 << 10

// messageWriter writes one message.
type messageWriter struct {
	out      *outbound
	header   protocol.Header // of the next fragment
	parts    *buffer         // of which n bytes are to be sent; nil when the message is closed
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
		copied := copy(w.parts[w.n:fragmentSize], p[n:])
		w.n += copied
		n += copied
	}
	return n, nil
}

// compress compresses p, and sends the output once it fills a frame.
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
	defer w.out.endMessage()
	last := w.parts[:w.n]
	if d := w.deflater; d != nil {
		defer w.out.putDeflater(d)
		var err error
		if last, err = d.finish(); err != nil {
			return err
		}
	}
	err := w.send(last, true)
	putBuffer(w.parts)
	w.parts = nil
	return err
}

func (w *messageWriter) send(p []byte, fin bool) error {
	h := w.header
	h.Fin = fin
	// RFC 6455 5.4, RFC 7692 6: opcode and RSV1 are set in the first fragment.
	w.header = protocol.Header{Opcode: protocol.OpContinuation}
	return w.out.sendFrame(h, p, nil)
}
