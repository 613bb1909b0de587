// The connections that are remembered, and which are forgotten when there are many.

package inspect

// How many connections are remembered: those that ended last, and all that are open,
// unless these are very many. Then the oldest are forgotten as if they had ended.
const (
	maxEnded = 8192
	maxOpen  = 64 << 10
)

// maxSpare is how many forgotten connections are kept to be used again.
const maxSpare = 64

// connList finds connections by the id that the present capture uses. Only calls that concern
// all connections take longer the more there are.
type connList struct {
	all          queue // the oldest first
	open         queue // the oldest first
	ended        queue // in the order of their ends
	withHeads    queue // those whose heads are kept, in the order in which these came
	withContexts queue // those whose decoders keep memory for inflating, by their last use of it
	spare        queue // forgotten connections, to be used again
	byWire       map[uint32]*conn
	recent       *conn // the one found last: successive frames are often of one connection

	next      uint32
	seen      uint64      // since the last clear, when those that were open count
	forgotten uint32      // the highest id, in the capture, of the connections that were forgotten
	losses    uint32      // how often frames of unknown connections were lost
	ranges    []openRange // whose open connections were listed
	lists     uint32      // how many lists of ranges there were before
	heads     int         // bytes of all that are kept
	contexts  int         // bytes that all decoders keep for inflating
	gone      int         // bytes dropped since ShouldCollect last returned true
}

func (l *connList) init() {
	l.all.link, l.open.link, l.ended.link = linkAge, linkState, linkState
	l.withHeads.link, l.withContexts.link, l.spare.link = linkHeads, linkContext, linkAge
	l.byWire = map[uint32]*conn{}
}

// find returns the connection that has the id wire in the capture, or nil.
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

// of is find, but adds a connection that is not known yet. For one that was forgotten it
// returns nil.
func (l *connList) of(wire uint32) *conn {
	c := l.find(wire)
	if c == nil && wire > l.forgotten {
		c = l.begin(wire)
	}
	return c
}

// ofFrame is of for a frame: it adds a connection that was forgotten, too, but as one that
// has ended.
//
//go:noinline
func (l *connList) ofFrame(wire uint32, time int64) *conn {
	c := l.of(wire)
	if c == nil {
		c = l.begin(wire)
		c.late = true
		l.seen--
		l.close(c, time)
	}
	return c
}

// opened is of for a record that says that the connection opens: it adds a connection that
// was forgotten, too, as an open one.
func (l *connList) opened(wire uint32) *conn {
	c := l.find(wire)
	switch {
	case c == nil:
		c = l.begin(wire)
	case c.late:
		c.state, c.ended, c.late = connHandshake, 0, false
		l.ended.remove(c)
		l.open.push(c)
	}
	return c
}

// begin adds a connection that has the id wire in the capture, and that find does not find.
func (l *connList) begin(wire uint32) *conn {
	if l.open.length >= maxOpen {
		oldest := l.open.first
		l.close(oldest, 0)
		l.forget(oldest)
	}
	c := l.unused()
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

// unused returns a connection to be used: a forgotten one, or a new one.
func (l *connList) unused() *conn {
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
	c.begin() // which frees what its messages left in the decoders
	l.countContext(c)
	c.losses = l.losses - 1
	l.open.remove(c)
	l.ended.push(c)
	if l.ended.length > maxEnded {
		l.forget(l.ended.first)
	}
}

// forget removes a connection that has ended.
func (l *connList) forget(c *conn) {
	l.dropHeads(c, keptHead)
	if c.context > 0 { // from frames after its end
		c.begin()
		l.countContext(c)
	}
	l.ended.remove(c)
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

// clear removes every connection that has ended.
func (l *connList) clear() {
	for l.ended.first != nil {
		l.forget(l.ended.first)
	}
	l.seen = uint64(l.all.length)
}

// byID finds a connection by the inspector's own id; new ones are found faster.
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

// restart begins another capture, in which ids mean other connections.
func (l *connList) restart() {
	for l.open.first != nil {
		l.close(l.open.first, l.open.first.opened)
	}
	l.byWire, l.recent, l.forgotten = map[uint32]*conn{}, nil, 0
}
