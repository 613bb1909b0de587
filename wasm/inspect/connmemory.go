// The memory of connections, and what is freed when it is much: heads, and the contexts of
// decoders.

package inspect

import (
	"unsafe"

	"framescope/protocol"
)

// connSize is the approximate size of a connection without heads and contexts, in bytes.
const connSize = int(unsafe.Sizeof(conn{})) + 128

// keepHead keeps a head of c. If it was cut, the missing blank line is added.
func (l *connList) keepHead(c *conn, side protocol.Side, head []byte) {
	if c.hasHeads() {
		l.heads -= c.headBytes()
	} else {
		l.withHeads.push(c)
	}
	d := &c.sent[side]
	d.head = append(d.head[:0], head...)
	if protocol.HeadLength(head) == 0 {
		d.head = append(d.head, "\r\n\r\n"...)
	}
	l.heads += c.headBytes()
}

// forgetHeads drops the oldest heads until at most limit bytes of them are kept.
func (l *connList) forgetHeads(limit int) {
	for l.heads > limit && l.withHeads.first != nil {
		l.dropHeads(l.withHeads.first, 0)
	}
}

// countContext counts what the decoders of c keep, after they have used or freed it.
func (l *connList) countContext(c *conn) {
	if c.context > 0 {
		l.withContexts.remove(c)
	}
	n := c.contextBytes()
	l.contexts += n - c.context
	if c.context = n; n > 0 {
		l.withContexts.push(c)
	}
}

// forgetContexts frees the contexts that have not been used for the longest time, until at
// most limit bytes are kept.
func (l *connList) forgetContexts(limit int) {
	for l.contexts > limit {
		c := l.withContexts.first
		l.gone += c.context
		c.releaseContext()
		l.countContext(c)
	}
}

// dropHeads drops the heads of c. Buffers of at most keep bytes stay with it.
func (l *connList) dropHeads(c *conn, keep int) {
	if c.hasHeads() {
		l.withHeads.remove(c)
		l.heads -= c.headBytes()
	}
	for i := range c.sent {
		d := &c.sent[i]
		if n := cap(d.head); n > keep {
			l.gone += n
			d.head = nil
		}
		d.head = d.head[:0]
	}
}

// bytes returns the size of all connections.
func (l *connList) bytes() int { return l.all.length*connSize + l.heads + l.contexts }
