// Conn: what applications use of a connection.

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

// NewConn makes a connection of nc, on which the handshake is done and this end
// is the given side. buffered are bytes read from it already.
func NewConn(nc net.Conn, side protocol.Side, buffered []byte, o Options) *Conn {
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

// agree sets what the handshake came to.
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

// Subprotocol is the one that both sides agreed on, or "".
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Deflate is the permessage-deflate that both sides agreed on.
func (c *Conn) Deflate() protocol.Deflate { return c.out.deflate }

// LocalAddr is the network address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.link.nc.LocalAddr() }

// RemoteAddr is the peer's network address.
func (c *Conn) RemoteAddr() net.Addr { return c.link.nc.RemoteAddr() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.link.Done() }

// Err is why the connection ended, nil while it has not.
func (c *Conn) Err() error { return c.link.Err() }

// SetMaxMessageSize bounds the messages that are read from now on, in bytes, instead of
// Options.MaxMessageSize. It waits for a reader that is in the midst of one.
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
// Control frames are answered meanwhile. The error is a [CloseError], whose cause is a
// [protocol.Breach] when the peer broke a rule; by then the close frame has been sent. Only a
// passed [Conn.SetReadDeadline] is another error, and leaves the connection as it is. With an
// error the payload is nil.
func (c *Conn) ReadMessage() (protocol.Opcode, []byte, error) {
	op, p, err := c.in.readMessage()
	if err != nil {
		return 0, nil, err
	}
	return op, append(make([]byte, 0, len(p)), p...), nil
}

// NextMessage is [Conn.ReadMessage] without a copy: the payload is the connection's, and valid
// until the next call that reads. So it allocates nothing.
func (c *Conn) NextMessage() (protocol.Opcode, []byte, error) { return c.in.readMessage() }

// NextReader waits for the next data message and returns its opcode and a reader
// of its payload, which comes as it arrives. The reader ends with io.EOF, or with
// what ReadMessage would say; it is of use until the next NextReader or
// ReadMessage, which pass over what it has left. Text is checked up to where it
// has been read. MaxMessageSize bounds the message here too.
func (c *Conn) NextReader() (protocol.Opcode, io.Reader, error) { return c.in.nextReader() }

// WriteMessage sends a whole message in one frame. It waits for a peer that
// reads slowly, at most WriteTimeout, and as long for a message that is under way
// in parts (see [Conn.NextWriter]): when that takes longer nothing is sent, the error is
// [os.ErrDeadlineExceeded], and the connection goes on. p is not kept, nor changed.
// ErrClosed says that the connection is closing: the next read tells how it ends.
//
// While the reader has more to decode without waiting, messages up to 32 KiB are
// held to leave together: when it next waits, when 64 KiB are full, or after
// a millisecond. An error of that write is told by the next call.
func (c *Conn) WriteMessage(op protocol.Opcode, p []byte) error { return c.out.sendMessage(op, p, nil) }

// NextWriter begins a message that is sent in parts, as fragments of 32 KiB; Close sends the last
// one. A shorter message is sent whole. Other messages wait until Close, which must be called,
// but no longer than WriteTimeout; control frames do not wait. Since the length of the message is
// not known, it is compressed however short it is, if permessage-deflate was agreed.
func (c *Conn) NextWriter(op protocol.Opcode) (io.WriteCloser, error) { return c.out.nextWriter(op) }

// SendPing sends a ping with a payload of at most 125 bytes and does not wait for the pong,
// with which Options.OnPong is called. [Conn.Ping] waits.
func (c *Conn) SendPing(p []byte) error { return c.out.sendControl(protocol.OpPing, p, nil) }

// Send queues a prepared message and returns at once. Queued messages are sent in order
// and in as few writes as possible. Where more than SendQueue bytes would wait the peer
// is too slow: ErrSlowReader, and nothing is queued; one message may always wait, however
// long.
func (c *Conn) Send(m *Prepared) error { return c.out.send(m) }

// OnDrain has f called each time that all messages queued by [Conn.Send] have been
// handed to the socket, or discarded because the connection is ending. After a Send
// that succeeded the call always comes, from another goroutine, perhaps before Send
// returns. So a sender can queue a part of what it has, and the next part from f.
//
// f may call Send. It must not wait for anything: the goroutine that calls it serves other
// connections too. OnDrain is called before the first Send.
func (c *Conn) OnDrain(f func()) { c.out.setOnDrain(f) }
