// The connections that are remembered, and which are forgotten when there are many.

package inspect

import (
	"encoding/binary"
	"unsafe"

	"framescope/protocol"
)

// How many connections are remembered: of those that are over the last, and all that are
// open, unless these are very many. Then the oldest are forgotten as if they were over.
const (
	maxOver = 8192
	maxOpen = 64 << 10
)

// maxSpare is how many forgotten ones are kept to be used again.
const maxSpare = 64

// connSize is about what a connection takes without its heads, in bytes.
const connSize = int(unsafe.Sizeof(conn{})) + 128

// connList finds connections by the id that the present capture uses. No call takes
// longer for the number of connections but those that are about all of them.
type connList struct {
	all       queue // the oldest first
	open      queue // the oldest first
	over      queue // in the order of their ends
	headed    queue // those whose heads are kept, in the order in which these came
	inflating queue // those whose decoders hold memory to inflate with, in the order of their last use of it
	spare     queue // forgotten ones, to be used again
	byWire    map[uint32]*conn
	recent    *conn // the last one asked for: frames come in runs

	next      uint32
	seen      uint64 // since the last clear, when those that were open count
	forgotten uint32 // the highest id in the capture of those forgotten
	losses    uint32 // how often frames of unknown connections were lost
	lists     uint32 // how many lists of open connections came
	heads     int    // bytes of all that are kept
	contexts  int    // bytes that all decoders hold to inflate with
	gone      int    // bytes of those forgotten since memory was last taken back
}

func (l *connList) init() {
	l.all.link, l.open.link, l.over.link = linkAge, linkState, linkState
	l.headed.link, l.inflating.link, l.spare.link = linkHeads, linkContext, linkAge
	l.byWire = map[uint32]*conn{}
}

// find is the connection that the capture calls wire, or nil.
func (l *connList) find(wire uint32) *conn {
	c := l.recent
	if c == nil || c.wire != wire {
		if c = l.byWire[wire]; c == nil {
			return nil
		}
		l.recent = c
	}
	if c.losses != l.losses {
		c.losses = l.losses
		c.gap()
	}
	return c
}

// of is find, but begins a connection that is not known yet. One that was forgotten stays
// so: then it is nil.
func (l *connList) of(wire uint32) *conn {
	c := l.find(wire)
	if c == nil && wire > l.forgotten {
		c = l.begin(wire)
	}
	return c
}

// opened is of for a record that says that the connection opens: then it is open, also if
// it was forgotten.
func (l *connList) opened(wire uint32) *conn {
	c := l.find(wire)
	switch {
	case c == nil:
		c = l.begin(wire)
	case c.late:
		c.state, c.ended, c.late = connHandshake, 0, false
		l.over.remove(c)
		l.open.push(c)
	}
	return c
}

// begin makes a connection that the capture calls wire, and that find does not know.
func (l *connList) begin(wire uint32) *conn {
	if l.open.length >= maxOpen {
		oldest := l.open.first
		l.close(oldest, 0)
		l.forget(oldest)
	}
	c := l.take()
	l.next++
	l.seen++
	c.reset(l.next, wire)
	c.losses = l.losses
	l.all.push(c)
	l.open.push(c)
	l.byWire[wire] = c
	l.recent = c
	return c
}

// late is for a frame of a connection that was forgotten: it is known again, but as one
// that is over.
func (l *connList) late(wire uint32, time int64) *conn {
	c := l.begin(wire)
	c.late = true
	l.seen--
	l.close(c, time)
	return c
}

// take is a connection to be used: a forgotten one, or a new one.
func (l *connList) take() *conn {
	c := l.spare.first
	if c == nil {
		return new(conn)
	}
	l.spare.remove(c)
	return c
}

// close marks the end of c; closing twice changes nothing.
func (l *connList) close(c *conn, time int64) {
	if c.ended != 0 {
		return
	}
	if c.state != connRefused {
		c.state = connClosed
	}
	c.ended = max(time, 1)
	c.begin() // without what its messages have left in the decoders
	l.countContext(c)
	c.losses = l.losses - 1
	l.open.remove(c)
	l.over.push(c)
	if l.over.length > maxOver {
		l.forget(l.over.first)
	}
}

// forget lets go of a connection that is over.
func (l *connList) forget(c *conn) {
	l.behead(c, keptHead)
	if c.context > 0 { // of frames after its end
		c.begin()
		l.countContext(c)
	}
	l.over.remove(c)
	l.all.remove(c)
	if l.byWire[c.wire] == c {
		delete(l.byWire, c.wire)
		l.forgotten = max(l.forgotten, c.wire)
	}
	if l.recent == c {
		l.recent = nil
	}
	if l.spare.length < maxSpare {
		l.spare.push(c)
	} else {
		l.gone += connSize
	}
}

// clear forgets every connection that is over.
func (l *connList) clear() {
	for l.over.first != nil {
		l.forget(l.over.first)
	}
	l.seen = uint64(l.all.length)
}

// keepHead keeps a head of c. One that was cut is given the blank line that it lacks.
func (l *connList) keepHead(c *conn, side protocol.Side, head []byte) {
	if c.hasHeads() {
		l.heads -= c.headBytes()
	} else {
		l.headed.push(c)
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
	for l.heads > limit && l.headed.first != nil {
		l.behead(l.headed.first, 0)
	}
}

// countContext counts what the decoders of c hold, which it has just used or let go of.
func (l *connList) countContext(c *conn) {
	if c.context > 0 {
		l.inflating.remove(c)
	}
	n := c.contextBytes()
	l.contexts += n - c.context
	if c.context = n; n > 0 {
		l.inflating.push(c)
	}
}

// forgetContexts lets go of what has not been used for longest of it, until at most limit
// bytes are held.
func (l *connList) forgetContexts(limit int) {
	for l.contexts > limit {
		c := l.inflating.first
		l.gone += c.context
		c.releaseContext()
		l.countContext(c)
	}
}

// behead drops the heads of c. Buffers of at most keep bytes stay with it.
func (l *connList) behead(c *conn, keep int) {
	if c.hasHeads() {
		l.headed.remove(c)
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

// byID finds a connection by the inspector's own id, a new one sooner than an old one.
func (l *connList) byID(id uint32) *conn {
	c := l.all.last
	for c != nil && c.id > id {
		c = l.all.before(c)
	}
	if c == nil || c.id != id {
		return nil
	}
	return c
}

// bytes is how many all connections take.
func (l *connList) bytes() int { return l.all.length*connSize + l.heads + l.contexts }

// restart says that another capture begins: its ids mean other connections.
func (l *connList) restart() {
	for l.open.first != nil {
		l.close(l.open.first, l.open.first.opened)
	}
	l.byWire, l.recent, l.forgotten = map[uint32]*conn{}, nil, 0
}

// closeUnlisted closes the connections that are not among ids, a u32 each, of those that the
// capture calls first to last.
func (l *connList) closeUnlisted(first, last uint32, ids []byte, time int64) {
	l.lists++
	for ; len(ids) >= 4; ids = ids[4:] {
		if c := l.byWire[binary.LittleEndian.Uint32(ids)]; c != nil {
			c.listed = l.lists
		}
	}
	for c := l.open.first; c != nil; {
		next := l.open.next(c)
		if c.listed != l.lists && c.wire >= first && c.wire <= last {
			l.close(c, time)
		}
		c = next
	}
}
