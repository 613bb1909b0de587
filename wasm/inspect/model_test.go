// The connections beside a model of them: whatever comes in whatever order, the numbers and
// the list are right.

package inspect

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// modelConn is a connection as the model knows it.
type modelConn struct {
	id, wire uint32
	state    connState
	open     bool
	late     bool
	frames   uint32
}

// model says, by searching through all, what connList should.
type model struct {
	all       []*modelConn // by age
	ended     []*modelConn // by their ends
	wire      map[uint32]*modelConn
	next      uint32
	seen      int
	forgotten uint32
}

func (m *model) openCount() int { return len(m.all) - len(m.ended) }

func (m *model) add(wire uint32) *modelConn {
	if m.openCount() == maxOpen {
		m.forget(m.all[slices.IndexFunc(m.all, func(c *modelConn) bool { return c.open })])
	}
	m.next++
	m.seen++
	c := &modelConn{id: m.next, wire: wire, open: true}
	m.all = append(m.all, c)
	m.wire[wire] = c
	return c
}

func (m *model) forget(c *modelConn) {
	m.all = without(m.all, c)
	m.ended = without(m.ended, c)
	if m.wire[c.wire] == c {
		delete(m.wire, c.wire)
		m.forgotten = max(m.forgotten, c.wire)
	}
}

func (m *model) end(c *modelConn) {
	if c == nil || !c.open {
		return
	}
	c.open = false
	if c.state != connRefused {
		c.state = connClosed
	}
	if m.ended = append(m.ended, c); len(m.ended) > maxEnded {
		m.forget(m.ended[0])
	}
}

func (m *model) opened(wire uint32) {
	c := m.wire[wire]
	switch {
	case c == nil:
		m.add(wire)
	case c.late:
		c.open, c.late, c.state = true, false, connHandshake
		m.ended = without(m.ended, c)
	}
}

func without(list []*modelConn, c *modelConn) []*modelConn {
	if i := slices.Index(list, c); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	return list
}

func (m *model) answered(wire uint32, status int) {
	c := m.wire[wire]
	if c == nil && wire > m.forgotten {
		c = m.add(wire)
	}
	if c == nil || c.state != connHandshake {
		return
	}
	if c.state = connOpen; status != 101 {
		c.state = connRefused
		m.end(c)
	}
}

func (m *model) frame(wire uint32) {
	c := m.wire[wire]
	if c == nil {
		c = m.add(wire)
		if wire <= m.forgotten {
			c.late = true
			m.seen--
			m.end(c)
		}
	}
	c.frames++
}

func (m *model) known(listed map[uint32]bool, first, last uint32) {
	for _, c := range slices.Clone(m.all) {
		if c.open && !listed[c.wire] && c.wire >= first && c.wire <= last {
			m.end(c)
		}
	}
}

func (m *model) clear() {
	for len(m.ended) > 0 {
		m.forget(m.ended[0])
	}
	m.seen = len(m.all)
}

func (m *model) restart() {
	m.known(nil, 0, math.MaxUint32)
	m.wire, m.forgotten = map[uint32]*modelConn{}, 0
}

// check compares all that is shown of connections with the model, and the list's queues
// with each other.
func (m *model) check(t *testing.T, in *Inspector) {
	t.Helper()
	s := in.Refresh()
	if got, want := [3]uint64{s.OpenConnections, s.Connections, s.ConnectionsSeen},
		[3]uint64{uint64(m.openCount()), uint64(len(m.all)), uint64(m.seen)}; got != want {
		t.Fatalf("open, remembered and seen are %d, want %d", got, want)
	}
	w := in.ConnWindow()
	for first := 0; first < len(m.all); first += ConnWindowSize {
		n := in.Connections(first, ConnWindowSize)
		for i := range n {
			c := m.all[len(m.all)-1-first-i]
			if w.ID[i] != c.id || w.State[i] != uint8(c.state) || w.FramesIn[i] != c.frames || (w.Ended[i] == 0) != c.open {
				t.Fatalf("connection %d from the end: #%d in state %d with %d frames, ended %d, want %+v",
					first+i, w.ID[i], w.State[i], w.FramesIn[i], w.Ended[i], *c)
			}
		}
	}
	checkQueues(t, &in.conns)
}

// checkQueues holds what is true of every list of connections.
func checkQueues(t *testing.T, l *connList) {
	t.Helper()
	if l.ended.length > maxEnded || l.open.length > maxOpen || l.spare.length > maxSpare || l.all.length != l.open.length+l.ended.length {
		t.Fatalf("%d connections, %d open, %d ended, %d spare", l.all.length, l.open.length, l.ended.length, l.spare.length)
	}
	heads, contexts := 0, 0
	for _, q := range []*queue{&l.all, &l.open, &l.ended, &l.withHeads, &l.withContexts, &l.spare} {
		n := 0
		for c := q.first; c != nil; c = q.next(c) {
			if n++; n > q.length || q.next(c) == nil && q.last != c || q.next(c) != nil && q.before(q.next(c)) != c {
				t.Fatal("a queue is broken")
			}
			switch q {
			case &l.open, &l.ended:
				if (c.ended == 0) != (q == &l.open) {
					t.Fatalf("#%d ended at %d, and is in the wrong queue", c.id, c.ended)
				}
			case &l.withHeads:
				heads += c.headBytes()
			case &l.withContexts:
				if contexts += c.contextBytes(); c.contextBytes() != c.context {
					t.Fatalf("the decoders of #%d hold %d bytes, counted %d", c.id, c.contextBytes(), c.context)
				}
			case &l.spare:
				if c.hasHeads() || c.contextBytes() > 0 || c.context > 0 {
					t.Fatalf("#%d is spare, and holds %d and %d bytes", c.id, c.headBytes(), c.contextBytes())
				}
			}
		}
		if n != q.length {
			t.Fatalf("a queue of %d connections says %d", n, q.length)
		}
	}
	if heads != l.heads || contexts != l.contexts {
		t.Fatalf("%d bytes of heads, counted %d, and %d of contexts, counted %d", heads, l.heads, contexts, l.contexts)
	}
	for wire, c := range l.byWire {
		if c.wire != wire {
			t.Fatalf("connection %d is found as %d", c.wire, wire)
		}
	}
}

// TestConnectionsByModel plays captures of all kinds of records, in any order, and
// compares the numbers and lists with those of a model that is too simple to be wrong.
func TestConnectionsByModel(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 9))
		in, m := New(0), &model{wire: map[uint32]*modelConn{}}
		new(capture).begin(1, 0).into(t, in)
		newest, captureID := uint32(0), byte(1)
		some := func() uint32 { return 1 + r.Uint32N(newest+3) }
		for range 50 {
			c := new(capture)
			switch n := 1 + r.IntN(3000); r.IntN(12) {
			case 0, 1, 2: // connections open
				for range n {
					newest++
					c.open(newest)
					m.opened(newest)
				}
			case 3, 4: // some are answered
				for range n {
					id := some()
					status := 101 + r.IntN(2)*302
					c.headOf(id, protocol.Client, request).headOf(id, protocol.Server, strings.Replace(response, "101", fmt.Sprint(status), 1))
					if m.wire[id] == nil && id > m.forgotten {
						m.add(id)
					}
					m.answered(id, status)
				}
			case 5: // any connection says something
				for range min(n, 300) {
					id := some()
					c.frame(id, protocol.Client, protocol.OpText, true, "x")
					m.frame(id)
				}
			case 6, 7, 8: // some close, or are said again to be closed
				for range n {
					id := some()
					c.closed(id, protocol.Client)
					m.end(m.wire[id])
				}
			case 9: // short ones come and go
				for range n {
					newest++
					c.shake(newest).frame(newest, protocol.Client, protocol.OpText, true, "x").closed(newest, protocol.Server)
					m.opened(newest)
					m.answered(newest, 101)
					m.frame(newest)
					m.end(m.wire[newest])
				}
			case 10: // frames are lost, and what is open is said again
				c.lost(uint64(n))
				listed, ids := map[uint32]bool{}, []byte(nil)
				for range n {
					id := some()
					c.add(feed.Record{Kind: feed.Open, Conn: id, Flags: feed.Replayed})
					m.opened(id)
					listed[id] = true
					ids = binary.LittleEndian.AppendUint32(ids, id)
				}
				first, last := uint32(0), uint32(math.MaxUint32)
				if r.IntN(2) == 0 {
					first = some()
					last = first + uint32(r.IntN(200))
				}
				data := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, first), last)
				c.add(feed.Record{Kind: feed.Known, Data: append(data, ids...)})
				m.known(listed, first, last)
			case 11:
				if r.IntN(2) == 0 {
					in.Clear()
					m.clear()
				} else {
					captureID++
					c.begin(captureID, 0)
					m.restart()
					newest = 0
				}
			}
			newest = max(newest, m.highest())
			c.into(t, in)
			m.check(t, in)
		}
	}
}

// highest is the highest id that the present capture has used.
func (m *model) highest() (wire uint32) {
	for w := range m.wire {
		wire = max(wire, w)
	}
	return wire
}

// More connections than are remembered, all open: the oldest are forgotten, and what comes
// of them later makes none of them open again.
func TestVeryManyOpen(t *testing.T) {
	in, m := New(0), &model{wire: map[uint32]*modelConn{}}
	new(capture).begin(1, 0).into(t, in)
	const more = 100
	for id := uint32(1); id <= maxOpen+more; {
		c := new(capture)
		for range 1000 {
			if id <= maxOpen+more {
				c.open(id)
				m.opened(id)
				id++
			}
		}
		c.into(t, in)
	}
	m.check(t, in)
	c := new(capture)
	for id := uint32(1); id <= more; id++ {
		c.closed(id, protocol.Client)
		c.frame(id, protocol.Client, protocol.OpText, true, "x")
		m.frame(id)
	}
	c.into(t, in)
	m.check(t, in)
	for id := uint32(1); id <= maxOpen+more; id += 1000 {
		for at := range uint32(1000) {
			c.closed(id+at, protocol.Client)
			m.end(m.wire[id+at])
		}
		c.into(t, in)
	}
	m.check(t, in)
	if s := in.Refresh(); s.OpenConnections != 0 || s.ConnectionsSeen != maxOpen+more {
		t.Errorf("%d open, %d seen at the end", s.OpenConnections, s.ConnectionsSeen)
	}
}
