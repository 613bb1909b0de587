// Prepared messages: encoded once, sent to many, and nobody waits.

package websocket

import (
	"fmt"
	"sync"
	"sync/atomic"

	"framescope/protocol"
)

// Prepared is a message as the bytes that a server sends.
type Prepared struct {
	opcode     protocol.Opcode
	payload    []byte
	wire       []byte
	compress   sync.Once
	compressed []byte       // the frame compressed by itself; nil if that is no use
	queues     atomic.Int64 // in which it waits
}

// Prepare encodes a message for [Conn.Send] on any number of connections. Its opcode
// is text or binary; text is UTF-8.
func Prepare(op protocol.Opcode, p []byte) (*Prepared, error) {
	if err := dataOpcode(op); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	m := &Prepared{opcode: op}
	m.wire = frame(protocol.Header{Fin: true, Opcode: op}, p)
	m.payload = m.wire[len(m.wire)-len(p):]
	return m, nil
}

func frame(h protocol.Header, p []byte) []byte {
	h.PayloadLength = uint64(len(p))
	wire := make([]byte, 0, h.Size()+len(p))
	return append(protocol.AppendHeader(wire, h), p...)
}

// frameFor is the message as the given connection is sent it: compressed, once
// for all, where each message is compressed by itself and in the usual window.
func (m *Prepared) frameFor(c *Conn) []byte {
	d := c.decoder.Deflate
	if !c.compresses(len(m.payload)) || !d.ServerNoContextTakeover || d.WindowBits(protocol.Server) < 15 {
		return m.wire
	}
	m.compress.Do(func() {
		deflater := c.takeDeflater()
		defer c.giveDeflater(deflater)
		if small, err := deflater.message(m.payload); err == nil && len(small) < len(m.payload) {
			m.compressed = frame(protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: m.opcode}, small)
		}
	})
	if m.compressed != nil {
		return m.compressed
	}
	return m.wire
}

// keptQueue is the longest queue, in messages, whose memory is kept for the next.
const keptQueue = 4

// queuedSize is what a message that waits takes in a queue, in bytes, which may be twice as
// long as what is in it. The message itself is shared by all queues.
const queuedSize = 2 * 8

// queued counts a queue in which the message waits; the first keeps its bytes.
func (m *Prepared) queued(c *Conn) {
	if b := c.options.Memory; b != nil {
		b.Add(&c.account, c, queuedSize)
		if m.queues.Add(1) == 1 {
			b.AddShared(int64(len(m.wire)))
		}
	}
}

// unqueue counts messages out of the queue of a connection.
func (c *Conn) unqueue(batch []*Prepared) {
	b := c.options.Memory
	if b == nil {
		return
	}
	b.Sub(&c.account, int64(len(batch))*queuedSize)
	for _, m := range batch {
		if m.queues.Add(-1) == 0 {
			b.SubShared(int64(len(m.wire)))
		}
	}
}

// sendQueue holds the prepared messages that wait for the socket.
type sendQueue struct {
	mu       sync.Mutex
	waiting  []*Prepared
	spare    []*Prepared // to be used again
	bytes    int
	draining bool // it is among those that are sent, or a goroutine sends it
	onDrain  func()
}

// stop empties the queue and returns what was in it.
func (q *sendQueue) stop() []*Prepared {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting
	q.waiting, q.spare, q.bytes = nil, nil, 0
	return waiting
}

func (c *Conn) sendQueue() *sendQueue {
	if c.queue.Load() == nil {
		c.queue.CompareAndSwap(nil, new(sendQueue))
	}
	return c.queue.Load()
}

// Send queues a prepared message and returns at once. What waits leaves in order
// and in as few writes as possible. Where more than SendQueue bytes would wait the peer
// is too slow: ErrSlowReader, and nothing is queued; one message may always wait, however
// long. For the server's side only.
func (c *Conn) Send(m *Prepared) error {
	if c.side != protocol.Server {
		return fmt.Errorf("send prepared message: a client masks each frame anew")
	}
	size := len(m.frameFor(c))
	q := c.sendQueue()
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.Err() != nil {
		return ErrClosed
	}
	if q.bytes > 0 && q.bytes+size > c.options.SendQueue {
		return ErrSlowReader
	}
	q.waiting = append(q.waiting, m)
	q.bytes += size
	m.queued(c)
	if !q.draining {
		q.draining = true
		queues.add(c)
	}
	return nil
}

// drain sends what waits until nothing does. The write timeout bounds it.
func (c *Conn) drain() {
	for q := c.queue.Load(); q.more(); {
		c.writing.Lock()
		for c.inMessage && !c.ended.Load() {
			c.awaitEnd() // however long that takes: SendQueue bounds what waits
		}
		c.sendBatch()
		c.writing.Unlock()
	}
}

// sendBatch sends all that waits now; c.writing is held.
func (c *Conn) sendBatch() {
	batch := c.queue.Load().take()
	if c.open() == nil {
		_ = c.writeBatch(batch) // a failure has ended the connection
	}
	c.unqueue(batch)
	clear(batch)
}

// sendWaiting is sendBatch for who is about to close, if it can be; c.writing is held.
func (c *Conn) sendWaiting() {
	if c.queue.Load() == nil {
		return
	}
	for c.inMessage && !c.inParts && !c.ended.Load() {
		c.awaitEnd()
	}
	if !c.inMessage {
		c.sendBatch()
	}
}

// more reports whether something waits; else nobody sends it any more, and the
// application is told.
func (q *sendQueue) more() bool {
	q.mu.Lock()
	more := len(q.waiting) > 0
	if !more {
		q.draining = false
		if cap(q.spare) > keptQueue {
			q.waiting, q.spare = nil, nil
		}
	}
	q.mu.Unlock()
	if !more {
		q.drained()
	}
	return more
}

// take takes all that waits.
func (q *sendQueue) take() []*Prepared {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.waiting
	q.waiting, q.spare, q.bytes = q.spare[:0], batch, 0
	return batch
}

// writeBatch sends whole frames behind those that wait: copied together where
// they are small, from where they lie else. c.writing is held.
func (c *Conn) writeBatch(batch []*Prepared) error {
	o := &c.out
	if err := c.putPongs(); err != nil {
		return err
	}
	if len(batch) == 1 && o.n == 0 {
		return c.writeBytes(batch[0].frameFor(c))
	}
	if o.buf == nil {
		o.buf = takeBuffer()
	}
	for _, m := range batch {
		wire := m.frameFor(c)
		if o.n+len(wire) > bufferSize {
			if err := c.flushBuffer(); err != nil {
				return err
			}
		}
		if len(wire) > bufferSize {
			if err := c.writeBytes(wire); err != nil {
				return err
			}
			continue
		}
		o.n += copy(o.buf[o.n:], wire)
	}
	return c.flush()
}
