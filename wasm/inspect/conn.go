// One connection: what is known of it, and its two decoders.

package inspect

import (
	"unsafe"

	"framescope/protocol"
)

// How much of a connection is kept, in bytes.
const (
	maxHead   = 72 << 10 // of each head
	maxRemote = 256      // of the remote address
	keptHead  = 4 << 10  // the largest buffer of a head that the next connection uses again
)

type connState uint8

const (
	connHandshake connState = iota // no answer seen yet
	connOpen
	connClosed
	connRefused // answered with a status that accepts nothing
)

// sideUnknown is the closer if the capture does not say who closed first.
const sideUnknown protocol.Side = 2

type conn struct {
	id     uint32 // in the inspector's own counting: 1, 2, …
	wire   uint32 // in the capture's
	state  connState
	closer protocol.Side // who sent the first close frame, else who ended TCP first
	status uint16        // of the answer
	code   uint16        // of the first close frame, 0 for none
	sent   [2]direction  // by protocol.Side
	opened int64         // ns since the Unix epoch
	ended  int64         // 0 while it is open
	remote []byte
	path   []byte
	breach uint32 // how many frames break a rule
	last   uint64 // index of its last row, plus one

	late    bool   // a frame arrived after it was forgotten
	context int    // bytes that its decoders hold to inflate with
	losses  uint32 // how many losses of frames the decoders know of
	listed  uint32 // the last list of ranges in which it was open
	links   [linkCount]link
}

// direction is what one side of a connection has sent.
type direction struct {
	decoder     protocol.Decoder
	head        []byte // empty before it is received, and after it was dropped
	hasHead     bool   // it has been received
	frames      uint32
	bytes       uint64 // of whole frames, headers included
	hasInflater bool   // the decoder has an Inflater, for a message that is not finished
	start       uint64 // seq of the frame that began the message
	fragment    uint16
}

// reset makes c another connection, whose beginning was not captured. Buffers are used again.
func (c *conn) reset(id, wire uint32) {
	*c = conn{
		id: id, wire: wire, closer: sideUnknown, remote: c.remote[:0], path: c.path[:0],
		sent: [2]direction{{head: c.sent[0].head[:0]}, {head: c.sent[1].head[:0]}},
	}
	c.begin()
	c.gap()
}

// begin puts both directions at the start of their streams; gap follows if that start was
// not captured. Like the other methods for both directions it is not inlined: that would
// make the WASM module larger.
//
//go:noinline
func (c *conn) begin() {
	for i := range c.sent {
		d := &c.sent[i].decoder
		c.sent[i].hasInflater = false
		// What the handshake agreed to is kept: a late watcher is sent that first.
		*d = protocol.Decoder{From: protocol.Side(i), MaxMessageSize: d.MaxMessageSize, Deflate: d.Deflate}
	}
}

//go:noinline
func (c *conn) gap() {
	for i := range c.sent {
		c.sent[i].decoder.Gap()
		c.sent[i].start, c.sent[i].fragment = 0, 0
	}
}

// agree sets what the handshake agreed to. If the beginning of the connection was not
// captured, its compression context is not known.
func (c *conn) agree(d protocol.Deflate, midway bool) {
	for i := range c.sent {
		c.sent[i].decoder.Deflate = d
	}
	if midway {
		c.gap()
	}
}

// hasHeads reports whether any of its heads is kept.
func (c *conn) hasHeads() bool { return len(c.sent[0].head)+len(c.sent[1].head) > 0 }

// contextBytes returns how many bytes both decoders keep for inflating.
//
//go:noinline
func (c *conn) contextBytes() (n int) {
	for i := range c.sent {
		n += c.sent[i].decoder.ContextSize()
		if c.sent[i].hasInflater {
			n += inflaterSize
		}
	}
	return n
}

// releaseContext frees that memory.
func (c *conn) releaseContext() {
	for i := range c.sent {
		c.sent[i].decoder.ReleaseContext()
		c.sent[i].hasInflater = false
	}
}

// headBytes returns the size of both heads.
func (c *conn) headBytes() int { return cap(c.sent[0].head) + cap(c.sent[1].head) }

// head returns the head that a side sent, empty if it is not kept. It must not be changed,
// and is valid until the head is dropped.
func (c *conn) head(side protocol.Side) protocol.RawHead {
	b := c.sent[side].head
	return protocol.RawHead(unsafe.String(unsafe.SliceData(b), len(b)))
}
