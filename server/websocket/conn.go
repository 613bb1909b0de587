// Conn: the methods of a connection that applications call.

package websocket

import (
	"io"
	"net"
	"time"
	"unsafe"

	"framescope/protocol"
)

// Conn is a WebSocket connection. One goroutine at a time may read; all other
// methods may be called from any goroutine at any time.
type Conn struct {
	link        link
	in          inbound
	out         outbound
	subprotocol string
	server      *Server // that accepted it, or nil
}

// The allocator rounds sizes up: ten thousand idle connections are to fit into its class
// of 640 bytes, of which it uses 8 itself.
const _ = 640 - 8 - unsafe.Sizeof(Conn{})

// NewConn returns a connection on nc, whose handshake is complete; side is this end's
// role. buffered has bytes that have been read from nc already.
func NewConn(nc net.Conn, side Side, buffered []byte, o Options) *Conn {
	o = o.withDefaults()
	return newConn(nc, side, buffered, &o)
}

// newConn is NewConn with options that connections share.
func newConn(nc net.Conn, side protocol.Side, buffered []byte, o *Options) *Conn {
	c := new(Conn)
	c.link.socket, c.link.side, c.link.options, c.link.owner = newSocket(nc), side, o, (*linkOwner)(c)
	c.out.link = &c.link
	c.in.init(&c.link, &c.out, buffered)
	return c
}

// agree sets what the handshake agreed on.
func (c *Conn) agree(subprotocol string, deflate protocol.Deflate) {
	c.subprotocol, c.in.decoder.Deflate, c.out.deflate = subprotocol, deflate, deflate
}

// beginHandshake keeps everything else from being read and written until endHandshake.
func (c *Conn) beginHandshake() {
	c.in.mu.Lock()
	c.out.mu.Lock()
	c.out.claim()
	c.out.mu.Unlock()
}

func (c *Conn) endHandshake() {
	c.out.mu.Lock()
	c.out.release()
	c.out.mu.Unlock()
	c.in.mu.Unlock()
}

// Subprotocol returns the subprotocol that both sides agreed on, or "".
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Deflate returns the parameters of permessage-deflate that both sides agreed on.
func (c *Conn) Deflate() Deflate { return c.out.deflate }

// LocalAddr returns the network address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.link.nc.LocalAddr() }

// RemoteAddr returns the peer's network address.
func (c *Conn) RemoteAddr() net.Addr { return c.link.nc.RemoteAddr() }

// Done returns a channel that is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.link.Done() }

// Err returns the [CloseError] that says why the connection ended, nil while it has not.
func (c *Conn) Err() error { return c.link.Err() }

// SetMaxMessageSize sets the largest size in bytes of the messages that are read from now on,
// instead of Options.MaxMessageSize. Call it from the goroutine that reads: it waits while
// another goroutine is in a call that reads.
func (c *Conn) SetMaxMessageSize(n int64) { c.in.setMaxMessageSize(n) }

// SetReadDeadline bounds every wait for a message. When t is past, reading fails
// with an error that is [os.ErrDeadlineExceeded]; the connection goes on, and
// after a later deadline the next read continues where that one stopped. The zero
// time is none. Once Close is called, CloseTimeout bounds the wait instead.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.in.setReadDeadline(t) }

// SetWriteDeadline bounds every write, beside WriteTimeout. A write that misses it
// ends the connection, since part of a frame may have been sent. The zero time is
// none.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.out.setWriteDeadline(t) }

// ReadMessage waits for the next data message and returns its opcode, [Text] or [Binary],
// and its payload, which belongs to the caller and is never nil. Text is valid UTF-8.
// [Conn.NextMessage] returns the same without a copy.
//
// Control frames are answered meanwhile. The error is a [CloseError]; its cause is a
// [protocol.Breach] if the peer broke a rule, and then the close frame has been sent. Only when
// the deadline of [Conn.SetReadDeadline] passes it is another error, which leaves the connection
// as it is. With an error the payload is nil.
func (c *Conn) ReadMessage() (Opcode, []byte, error) {
	op, p, err := c.in.readMessage()
	if err != nil {
		return 0, nil, err
	}
	return op, append(make([]byte, 0, len(p)), p...), nil
}

// NextMessage is [Conn.ReadMessage] without a copy: the payload belongs to the connection and
// is valid until the next call that reads. So it allocates nothing.
func (c *Conn) NextMessage() (Opcode, []byte, error) { return c.in.readMessage() }

// NextReader waits for the next data message and returns its opcode and a reader
// of its payload, which returns bytes as they arrive. The reader ends with io.EOF, or with
// the error that ReadMessage would return. It is valid until the next call that reads a
// message, which skips what has not been read of this one. Text is checked as far as it
// has been read. MaxMessageSize limits the message here, too.
func (c *Conn) NextReader() (Opcode, io.Reader, error) { return c.in.nextReader() }

// WriteMessage sends a message in one frame; p is neither kept nor changed. It waits
// for a peer that does not read, at most WriteTimeout; then the connection ends. If another
// message is being sent in parts (see [Conn.NextWriter]), it waits for the end of that
// message, also at most WriteTimeout; then nothing is sent, the error is
// [os.ErrDeadlineExceeded], and the connection goes on. ErrClosed means that the
// connection is closing: the next read returns how it ends.
//
// WriteMessage does not check that text is valid UTF-8. The peer closes the connection
// with 1007 if it is not.
//
// While the reader has more to decode without waiting, messages of up to 32 KiB are held
// and sent together: when the reader next waits, when they fill 64 KiB, or after a
// millisecond. If that write fails, the next call returns the error.
func (c *Conn) WriteMessage(op Opcode, p []byte) error { return c.out.sendMessage(op, p, nil) }

// NextWriter begins a message that is sent in parts, as fragments of 32 KiB; Close, which must be
// called, sends the last one. A shorter message is sent whole. Other messages wait until Close,
// but no longer than WriteTimeout; control frames do not wait. If permessage-deflate was agreed
// on, the message is compressed however short it is, since its length is not known.
func (c *Conn) NextWriter(op Opcode) (io.WriteCloser, error) { return c.out.nextWriter(op) }

// SendPing sends a ping with a payload of at most 125 bytes and does not wait for the pong:
// Options.OnPong is called with it. [Conn.Ping] waits.
func (c *Conn) SendPing(p []byte) error { return c.out.sendControl(protocol.OpPing, p, nil) }

// Send queues a prepared message and returns at once. Queued messages are sent in order
// and in as few writes as possible. If more than SendQueue bytes would wait, the peer is
// too slow: Send returns ErrSlowReader and queues nothing. A message of any size is queued
// if no other waits.
func (c *Conn) Send(m *Prepared) error { return c.out.send([]*Prepared{m}) }

// SendAll is [Conn.Send] for several messages: nothing else that is sent comes between them. It
// queues all or none, and does not keep the slice.
func (c *Conn) SendAll(messages []*Prepared) error { return c.out.send(messages) }

// Queued reports whether messages queued by [Conn.Send] have not been written to the socket yet. A
// WriteMessage of the same goroutine would overtake those.
func (c *Conn) Queued() bool { return c.out.queued() }

// OnDrain sets a function that is called each time that all messages queued by [Conn.Send]
// have been written to the socket, or discarded because the connection is ending. After
// every Send that succeeded f is called by another goroutine, perhaps before Send returns.
// So a sender can queue a part of what it has, and the next part in f.
//
// f may call Send. It must not wait for anything: the goroutine that calls it serves other
// connections, too. Call OnDrain before the first Send.
func (c *Conn) OnDrain(f func()) { c.out.setOnDrain(f) }
