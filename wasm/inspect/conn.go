// Connections: what is known of each, and its two decoders.

package inspect

import "framescope/protocol"

// maxConns bounds how many connections are remembered; the oldest closed ones
// go first, then the oldest.
const maxConns = 8192

// maxHead is how many bytes of a handshake head are kept.
const maxHead = 72 << 10

type connState uint8

const (
	connHandshake connState = iota // no answer seen yet
	connOpen
	connClosed
	connRefused // answered with a status other than 101
)

// sideUnknown is a closer that nobody saw.
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
	ended  int64
	remote string
	path   string
	breach uint32 // frames that break a rule
	last   uint64 // index of its last row, plus one
}

// direction is what one side of a connection has sent.
type direction struct {
	decoder  protocol.Decoder
	head     []byte // nil before it has come, and once it is forgotten
	told     bool   // it has come
	frames   uint32
	bytes    uint64 // of whole frames, headers included
	start    uint64 // seq of the frame that began the message
	fragment uint16
}

func newConn(id, wire uint32) *conn {
	c := &conn{id: id, wire: wire, closer: sideUnknown}
	c.begin()
	c.gap()
	return c
}

// begin puts both directions at the start of their streams. A connection whose
// Open is not seen as it happens is joined midway instead.
func (c *conn) begin() {
	for i := range c.sent {
		d := &c.sent[i].decoder
		// What the handshake said stays: a late watcher is told that before.
		*d = protocol.Decoder{From: protocol.Side(i), MaxMessageSize: d.MaxMessageSize, Deflate: d.Deflate}
	}
}

func (c *conn) gap() {
	for i := range c.sent {
		c.sent[i].decoder.Gap()
		c.sent[i].start, c.sent[i].fragment = 0, 0
	}
}

// agree sets what the handshake came to. Of a connection that is joined midway
// the compression's context is not known.
func (c *conn) agree(d protocol.Deflate, midway bool) {
	for i := range c.sent {
		c.sent[i].decoder.Deflate = d
	}
	if midway {
		c.gap()
	}
}

// connList holds the connections, oldest first, and finds them by the id that
// the present capture uses.
type connList struct {
	list   []*conn
	byWire map[uint32]*conn
	recent *conn // the last one asked for: frames come in runs
	next   uint32
	open   int
	heads  int // bytes of all that are kept
	gone   int // bytes of those forgotten since memory was last taken back
}

// of finds the connection that the capture calls wire, or begins one.
func (l *connList) of(wire uint32) *conn {
	if l.recent != nil && l.recent.wire == wire {
		return l.recent
	}
	c := l.byWire[wire]
	if c == nil {
		c = l.add(wire)
	}
	l.recent = c
	return c
}

func (l *connList) add(wire uint32) *conn {
	if l.byWire == nil {
		l.byWire = map[uint32]*conn{}
	}
	if len(l.list) >= maxConns {
		l.forgetOldest()
	}
	l.next++
	c := newConn(l.next, wire)
	l.list = append(l.list, c)
	l.byWire[wire] = c
	l.open++
	return c
}

func (l *connList) forgetOldest() {
	victim := 0
	for i, c := range l.list {
		if c.state == connClosed || c.state == connRefused {
			victim = i
			break
		}
	}
	l.forget(victim)
}

// forgetHeads drops the oldest heads until at most limit bytes of them are kept.
func (l *connList) forgetHeads(limit int) {
	for _, c := range l.list {
		if l.heads <= limit {
			break
		}
		l.behead(c)
	}
}

// behead drops the heads of a connection.
func (l *connList) behead(c *conn) {
	for i := range c.sent {
		n := len(c.sent[i].head)
		l.heads -= n
		l.gone += n
		c.sent[i].head = nil
	}
}

func (l *connList) forget(i int) {
	c := l.list[i]
	l.behead(c)
	l.list = append(l.list[:i], l.list[i+1:]...)
	if l.byWire[c.wire] == c {
		delete(l.byWire, c.wire)
	}
	if l.recent == c {
		l.recent = nil
	}
	l.close(c, 0)
}

// close marks the end of c; closing twice changes nothing.
func (l *connList) close(c *conn, time int64) {
	if c.state == connClosed || c.ended != 0 {
		return
	}
	if c.state != connRefused {
		c.state = connClosed
	}
	c.ended = max(time, 1)
	l.open--
}

// byID finds a connection by the inspector's own id. The list is ordered by it.
func (l *connList) byID(id uint32) *conn {
	low, high := 0, len(l.list)
	for low < high {
		mid := (low + high) / 2
		if l.list[mid].id < id {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(l.list) && l.list[low].id == id {
		return l.list[low]
	}
	return nil
}

// restart says that another capture begins: its ids mean other connections.
func (l *connList) restart() {
	for _, c := range l.list {
		l.close(c, c.opened)
	}
	l.byWire, l.recent = nil, nil
}
