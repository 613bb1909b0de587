// permessage-deflate on a connection: what is compressed, by what, and back.

package websocket

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/flate"

	"framescope/protocol"
)

// Compression says what is made of permessage-deflate (RFC 7692). The zero value
// agrees to it, compresses each message by itself, and takes what the peer
// compresses with context takeover.
type Compression struct {
	// Off declines it, or does not offer it.
	Off bool
	// ContextTakeover lets our messages build on those before, which makes alike
	// ones much smaller. It keeps about 700 KiB of memory a connection.
	ContextTakeover bool
	// PeerNoContextTakeover asks the peer to compress each message by itself, which
	// saves up to 64 KiB a connection here.
	PeerNoContextTakeover bool
	// WindowBits bounds our window to 1<<WindowBits bytes, PeerWindowBits the
	// peer's, if it can: 8 to 15; 0 is 15.
	WindowBits, PeerWindowBits int
	// Level is 1, the fastest, to 9; 0 is 1.
	Level int
	// Threshold is the smallest message in bytes that is compressed; 0 is 256. One
	// that is written in parts is compressed in any case.
	Threshold int
}

// wishes are the parameters that the given side asks for.
func (o Compression) wishes(us protocol.Side) protocol.Deflate {
	d := protocol.Deflate{
		On:                      !o.Off,
		ServerNoContextTakeover: !o.ContextTakeover,
		ClientNoContextTakeover: o.PeerNoContextTakeover,
		ServerMaxWindowBits:     windowBits(o.WindowBits),
		ClientMaxWindowBits:     windowBits(o.PeerWindowBits),
	}
	if us == protocol.Client {
		d.ServerNoContextTakeover, d.ClientNoContextTakeover = d.ClientNoContextTakeover, d.ServerNoContextTakeover
		d.ServerMaxWindowBits, d.ClientMaxWindowBits = d.ClientMaxWindowBits, d.ServerMaxWindowBits
	}
	return d
}

// windowBits keeps to what can be said, of which 15 goes without saying.
func windowBits(n int) uint8 {
	if n <= 0 || n >= 15 {
		return 0
	}
	return uint8(max(n, 8))
}

// compresses reports whether a message of n bytes leaves compressed.
func (c *Conn) compresses(n int) bool {
	return c.decoder.Deflate.On && n >= c.options.Compression.Threshold
}

// deflater compresses messages.
type deflater struct {
	w    *flate.Writer
	kind deflaterKind
	out  sliceWriter
}

// deflaterKind is what deflaters must have in common to be used in turn.
type deflaterKind struct{ level, window int }

// sliceWriter keeps what is written to it.
type sliceWriter struct{ bytes []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	s.bytes = append(s.bytes, p...)
	return len(p), nil
}

// deflaters are those between messages, by kind.
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

// takeDeflater is the connection's own where the context is taken over, else one
// that begins anew. A message has begun, or none is ever compressed here but by
// itself.
func (c *Conn) takeDeflater() *deflater {
	if d := c.deflater; d != nil {
		return d
	}
	kind := deflaterKind{c.options.Compression.Level, 1 << c.decoder.Deflate.WindowBits(c.side)}
	if !c.decoder.Deflate.NoContextTakeover(c.side) {
		c.deflater = newDeflater(kind)
		c.options.Memory.Add(&c.account, c, ownDeflater)
		return c.deflater
	}
	if d, _ := deflaterPool(kind).Get().(*deflater); d != nil {
		d.w.Reset(&d.out)
		return d
	}
	return newDeflater(kind)
}

// ownDeflater is about what one takes that stays with a connection, in bytes.
const ownDeflater = 700 << 10

// keptOutput is the largest output buffer that stays with a deflater, in bytes.
const keptOutput = 256 << 10

func (c *Conn) giveDeflater(d *deflater) {
	if d.out.bytes = d.out.bytes[:0]; cap(d.out.bytes) > keptOutput {
		d.out.bytes = nil
	}
	if d != c.deflater {
		deflaterPool(d.kind).Put(d)
	}
}

// message compresses a whole one.
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

// finish completes the message and returns what has not been sent of it.
func (d *deflater) finish() ([]byte, error) {
	if err := d.w.Flush(); err != nil {
		return nil, err
	}
	// RFC 7692 7.2.1: the empty block that a flush ends with is left out but for its
	// first byte.
	return bytes.TrimSuffix(d.out.bytes, []byte("\x00\x00\xff\xff")), nil
}

// writeCompressed sends a message compressed, unless that makes it larger and
// nothing later builds on it.
func (c *Conn) writeCompressed(op protocol.Opcode, p []byte) error {
	builds := !c.decoder.Deflate.NoContextTakeover(c.side)
	if builds { // then in the order in which they leave
		if err := c.beginMessage(false); err != nil {
			return err
		}
		defer c.endMessage()
	}
	d := c.takeDeflater()
	small, err := d.message(p)
	h := protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: op}
	if err != nil || builds {
		defer c.giveDeflater(d)
		if err == nil {
			err = c.writeFrame(h, small)
		}
		return err
	}
	// The write may wait: the deflater, of hundreds of KiB, is for others meanwhile.
	var waits room
	if len(small) >= len(p) {
		h.RSV, small = 0, p
	} else {
		waits = takeRoom(len(small))
		small = append(waits.bytes, small...)
		defer waits.give(c.options.Memory)
	}
	c.giveDeflater(d)
	if kept := int64(cap(waits.bytes)); kept > smallMemory {
		c.options.Memory.Add(&c.account, c, kept)
		defer c.options.Memory.Sub(&c.account, kept)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.awaitTurn(); err != nil {
		return err
	}
	return c.writeOpen(h, small)
}
