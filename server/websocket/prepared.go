// Prepared messages: encoded once, sent to many, and nobody waits.

package websocket

import (
	"fmt"
	"net"
	"sync"

	"framescope/protocol"
)

// Prepared is a message as the bytes that a server sends.
type Prepared struct{ wire []byte }

// Prepare encodes a message for [Conn.Send] on any number of connections.
func Prepare(op protocol.Opcode, p []byte) *Prepared {
	h := protocol.Header{Fin: true, Opcode: op, PayloadLength: uint64(len(p))}
	wire := make([]byte, 0, h.Size()+len(p))
	return &Prepared{append(protocol.AppendHeader(wire, h), p...)}
}

// sendQueue holds the prepared messages that wait for the socket.
type sendQueue struct {
	mu       sync.Mutex
	limit    int // bytes
	waiting  net.Buffers
	bytes    int
	draining bool // a goroutine sends what waits; it ends when nothing does
	stopped  bool
}

func (q *sendQueue) stop() {
	q.mu.Lock()
	q.stopped, q.waiting, q.bytes = true, nil, 0
	q.mu.Unlock()
}

// Send queues a prepared message and returns at once. What waits leaves in order
// and in as few writes as possible. With SendQueue bytes waiting the peer is too
// slow: ErrSlowReader, and nothing is queued. For the server's side only.
func (c *Conn) Send(m *Prepared) error {
	if c.side != protocol.Server {
		return fmt.Errorf("send prepared message: a client masks each frame anew")
	}
	q := &c.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return ErrClosed
	}
	if q.bytes+len(m.wire) > q.limit {
		return ErrSlowReader
	}
	q.waiting = append(q.waiting, m.wire)
	q.bytes += len(m.wire)
	if !q.draining {
		q.draining = true
		go c.drain()
	}
	return nil
}

// drain sends what waits until nothing does. The write timeout bounds it.
func (c *Conn) drain() {
	q := &c.queue
	for {
		q.mu.Lock()
		batch := q.waiting
		q.waiting, q.bytes = nil, 0
		if len(batch) == 0 {
			q.draining = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		c.writing.Lock()
		if !c.closeSent {
			c.armWrite()
			_ = c.writeBuffers(batch) // a failure has ended the connection
		}
		c.writing.Unlock()
	}
}
