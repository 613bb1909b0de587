// One connection: what it is made of, and how it ends.

package websocket

import (
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"framescope/protocol"
	"framescope/server/memory"
)

// Conn is a WebSocket connection. One goroutine at a time may read; all other
// methods may be called from any goroutine at any time.
type Conn struct {
	nc          net.Conn
	side        protocol.Side
	inOnPong    atomic.Bool // the reader has called it, and it has not returned
	options     *Options    // not to be changed
	subprotocol string
	server      *Server // that accepted it, or nil

	reading sync.Mutex // held while reading; guards the fields below
	decoder protocol.Decoder
	in      input
	message message
	pace    pace

	writing     sync.Mutex // held while a frame is written; guards the fields below
	out         output
	closeSent   bool
	closedFirst protocol.Side
	fanning     bool       // a sender of the fan-out writes, and must not wait
	inMessage   bool       // one is under way in parts, and others wait
	inParts     bool       // and it may take long: the application writes the parts
	messageOver *sync.Cond // for them, or nil
	deflater    *deflater  // whose context goes from message to message, or nil

	queue   atomic.Pointer[sendQueue] // nil until the first Send
	pongs   atomic.Pointer[[]byte]    // frames that the reader could not send at once
	hold    atomic.Bool               // answers may wait: the reader has more to read before it waits
	rearm   atomic.Bool               // the socket's write deadline is not what writeBy says
	closeBy deadline                  // when a close handshake must be over
	readBy  deadline                  // the caller's
	writeBy deadline
	waitsBy deadline       // until when a write that waits may
	account memory.Account // of what it keeps, with options.Memory

	ending  sync.Mutex // guards done, and the first end
	ended   atomic.Bool
	evicted atomic.Uint32 // why, by the budget of memory: one of those below; 0 if it is not
	err     *CloseError   // why it ended, or is about to; written before ended is set
	done    chan struct{} // nil until somebody asks for it
}

// Memory is given out in classes: ten thousand idle connections are to fit into that
// of 640 bytes, of which 8 are the allocator's.
const _ = 640 - 8 - unsafe.Sizeof(Conn{})

// CloseError says how a connection ended: the code and reason of the peer's close
// frame (RFC 6455 7.1.5), of ours where a breach or a limit made us send it, or 1006
// when there was none.
type CloseError struct {
	Code    protocol.CloseCode
	Reason  string
	cause   error
	writing bool // a write failed: what came before can still be read
}

func (e *CloseError) Error() string {
	text, cause := "websocket: closed with "+e.Code.String(), ""
	if e.cause != nil {
		cause = e.cause.Error()
	}
	if e.Reason != "" && !strings.Contains(cause, e.Reason) { // a breach says its reason itself
		text += ": " + e.Reason
	}
	if cause != "" {
		text += ": " + cause
	}
	return text
}

func (e *CloseError) Unwrap() error { return e.cause }

// Errors that end a connection, as cause of a [CloseError] or from a write.
var (
	ErrClosed      = errors.New("websocket: the connection is closed")
	ErrNoPong      = errors.New("websocket: the peer did not answer a ping")
	ErrSlowFrame   = errors.New("websocket: a frame took too long to arrive")
	ErrSlowMessage = errors.New("websocket: a message took too long to arrive")
	ErrSlowReader  = errors.New("websocket: the peer reads too slowly")
)

// SetMaxMessageSize bounds the messages that are taken from now on, in bytes, instead of
// Options.MaxMessageSize. It waits for a reader that is in the midst of one.
func (c *Conn) SetMaxMessageSize(n int64) {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.decoder.MaxMessageSize = uint64(max(n, 1))
}

// NewConn makes a connection of nc, on which the handshake is done and this end
// is the given side. buffered are bytes read from it already.
func NewConn(nc net.Conn, side protocol.Side, buffered []byte, o Options) *Conn {
	o = o.withDefaults()
	return newConn(nc, side, buffered, &o)
}

// newConn is NewConn with options that connections share.
func newConn(nc net.Conn, side protocol.Side, buffered []byte, o *Options) *Conn {
	c := &Conn{nc: nc, side: side, options: o, closedFirst: side}
	c.decoder.From = side.Peer()
	c.decoder.MaxMessageSize = uint64(o.MaxMessageSize)
	c.in.init(nc, buffered, o.Memory)
	return c
}

// agree sets what the handshake came to.
func (c *Conn) agree(subprotocol string, deflate protocol.Deflate) {
	c.subprotocol, c.decoder.Deflate = subprotocol, deflate
}

// Subprotocol is the one that both sides agreed on, or "".
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Deflate is the permessage-deflate that both sides agreed on.
func (c *Conn) Deflate() protocol.Deflate { return c.decoder.Deflate }

// RemoteAddr is the peer's network address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} {
	c.ending.Lock()
	defer c.ending.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.ended.Load() {
			close(c.done)
		}
	}
	return c.done
}

// Err is why the connection ended, nil while it has not.
func (c *Conn) Err() error {
	if c.ended.Load() {
		return c.err
	}
	return nil
}

// SetReadDeadline bounds every wait for a message. When t is past, reading fails
// with an error that is [os.ErrDeadlineExceeded]; the connection goes on, and
// after a later deadline the next read takes up where that one stopped. The zero
// time is none. Once Close is called, CloseTimeout bounds the wait instead.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.readBy.set(t)
	if t.IsZero() {
		return nil
	}
	// A reader that waits wakes at once, and goes on until t or the end of its patience.
	return c.nc.SetReadDeadline(began)
}

// SetWriteDeadline bounds every write, beside WriteTimeout. A write that misses it
// ends the connection, since part of a frame may have been sent. The zero time is
// none.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.set(t)
	if c.writing.TryLock() {
		defer c.writing.Unlock()
		c.nextTurn() // who awaits one has another deadline now
		return c.nc.SetWriteDeadline(c.writeBy.get().time())
	}
	// A write is under way, which WriteTimeout bounds all the same.
	ends := c.waitsBy.get()
	if ends == 0 {
		ends = now().add(c.options.WriteTimeout)
	}
	err := c.nc.SetWriteDeadline(sooner(c.writeBy.get(), ends).time())
	c.rearm.Store(true)
	go c.wakeWriters() // who awaits a turn has another deadline now
	return err
}

// CloseNow ends the connection without a close handshake.
func (c *Conn) CloseNow() { c.end(&CloseError{Code: protocol.CloseAbnormal, cause: ErrClosed}) }

// leave is CloseNow after what waits.
func (c *Conn) leave() {
	late := time.AfterFunc(c.options.WriteTimeout+c.options.CloseTimeout, c.CloseNow)
	defer late.Stop()
	c.writing.Lock()
	open := c.open() == nil
	if open {
		_ = c.flush()
		c.sendWaiting()
	}
	c.writing.Unlock()
	if open && c.reading.TryLock() {
		c.linger()
		c.reading.Unlock()
	}
	c.CloseNow()
}

// settle says why the connection is about to end, if nothing else has.
func (c *Conn) settle(why *CloseError) {
	c.ending.Lock()
	defer c.ending.Unlock()
	if c.err == nil {
		c.err = why
	}
}

// drop is end for a peer that does not read: what the kernel still holds for it is discarded
// as well.
func (c *Conn) drop(why *CloseError) {
	if nc, ok := c.nc.(interface{ SetLinger(int) error }); ok && !c.ended.Load() {
		_ = nc.SetLinger(0)
	}
	c.end(why)
}

// end closes the socket; the first reason counts.
func (c *Conn) end(why *CloseError) {
	c.ending.Lock()
	defer c.ending.Unlock()
	if c.ended.Load() {
		return
	}
	if c.err == nil {
		c.err = why
	}
	c.ended.Store(true)
	c.nc.Close()
	c.options.Memory.Close(&c.account)
	if q := c.queue.Load(); q != nil {
		c.unqueue(q.stop())
	}
	if c.done != nil {
		close(c.done)
	}
	if c.server != nil {
		c.server.remove(c)
	}
	if c.writing.TryLock() {
		c.nextTurn()
		c.writing.Unlock()
	} else {
		go c.wakeWriters() // the lock may be ours
	}
}
