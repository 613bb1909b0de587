// Deflaters, which compress messages.

package websocket

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/flate"
)

// deflater compresses messages.
type deflater struct {
	w    *flate.Writer
	kind deflaterKind
	out  sliceWriter
}

// deflaterKind has what cannot be changed in a deflater: only those of one kind share a pool.
type deflaterKind struct{ level, window int }

// sliceWriter appends what is written to it.
type sliceWriter struct{ bytes []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	s.bytes = append(s.bytes, p...)
	return len(p), nil
}

// deflaters has the pools of deflaters that are not in use, by kind.
var deflaters sync.Map // of *sync.Pool

func deflaterPool(kind deflaterKind) *sync.Pool {
	pool, ok := deflaters.Load(kind)
	if !ok {
		pool, _ = deflaters.LoadOrStore(kind, new(sync.Pool))
	}
	return pool.(*sync.Pool)
}

func newDeflater(kind deflaterKind) *deflater {
	d := &deflater{kind: kind}
	var err error
	if kind.window < 1<<15 {
		d.w, err = flate.NewWriterWindow(&d.out, kind.window)
	} else {
		d.w, err = flate.NewWriter(&d.out, kind.level)
	}
	if err != nil {
		panic(err) // level and window have been checked
	}
	return d
}

// compresses reports whether a message of n bytes is sent compressed.
func (o *outbound) compresses(n int) bool {
	return o.deflate.On && n >= o.link.options.Compression.Threshold
}

// getDeflater gets the connection's own where the context is taken over, which only the goroutine
// that sends a message may call; otherwise one without a context.
func (o *outbound) getDeflater() *deflater {
	if d := o.deflater; d != nil {
		return d
	}
	kind := deflaterKind{o.link.options.Compression.Level, 1 << o.deflate.WindowBits(o.link.side)}
	if !o.deflate.NoContextTakeover(o.link.side) {
		o.deflater = newDeflater(kind)
		o.link.keep(ownDeflater)
		return o.deflater
	}
	if d, _ := deflaterPool(kind).Get().(*deflater); d != nil {
		d.w.Reset(&d.out)
		return d
	}
	return newDeflater(kind)
}

// ownDeflater is roughly the size of a deflater that stays with a connection, in bytes.
const ownDeflater = 700 << 10

// keptOutput is the largest output buffer that stays with a deflater, in bytes.
const keptOutput = 256 << 10

func (o *outbound) putDeflater(d *deflater) {
	if d.out.bytes = d.out.bytes[:0]; cap(d.out.bytes) > keptOutput {
		d.out.bytes = nil
	}
	if d != o.deflater {
		deflaterPool(d.kind).Put(d)
	}
}

// message compresses a whole message.
func (d *deflater) message(p []byte) ([]byte, error) {
	if err := d.write(p); err != nil {
		return nil, err
	}
	return d.finish()
}

func (d *deflater) write(p []byte) error {
	_, err := d.w.Write(p)
	return err
}

// finish ends the message and returns what is left to be sent of it.
func (d *deflater) finish() ([]byte, error) {
	if err := d.w.Flush(); err != nil {
		return nil, err
	}
	// RFC 7692 7.2.1: of the empty block with which a flush ends, only the first byte
	// is sent.
	return bytes.TrimSuffix(d.out.bytes, []byte("\x00\x00\xff\xff")), nil
}
