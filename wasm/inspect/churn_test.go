// Churn: thousands of short connections a second, what is remembered of them, and
// whether the numbers are right.

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

// browserRequest is what a browser sends to open a connection, some 600 bytes.
const browserRequest = "GET /ws/echo?deflate=off&example=of-a-longer-path HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\nOrigin: http://localhost:8080\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCookie: session=0123456789abcdef0123456789abcdef\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// browserResponse is how our server answers it.
const browserResponse = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n"

func (c *capture) headOf(conn uint32, side protocol.Side, text string) *capture {
	return c.add(feed.Record{Kind: feed.Head, Conn: conn, Side: side, Data: []byte(text)})
}

// begun adds a connection's opening handshake, as a browser makes it.
func (c *capture) begun(conn uint32) *capture {
	return c.open(conn).headOf(conn, protocol.Client, browserRequest).headOf(conn, protocol.Server, browserResponse)
}

// said adds a message there and back, and both close frames.
func (c *capture) said(conn uint32) *capture {
	for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
		c.frame(conn, side, protocol.OpText, true, "one message each way, of the usual small size")
	}
	for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
		c.frame(conn, side, protocol.OpClose, true, "\x03\xe8")
	}
	return c
}

// churn adds so many short connections with ids from first on, eight at a time.
func (c *capture) churn(first uint32, connections int) *capture {
	const together = 8
	for ; connections > 0; connections -= together {
		ids := make([]uint32, min(together, connections))
		for i := range ids {
			ids[i] = first
			first++
		}
		for _, id := range ids {
			c.begun(id)
		}
		for _, id := range ids {
			c.said(id)
		}
		for _, id := range ids {
			c.closed(id, protocol.Client)
		}
	}
	return c
}

func (c *capture) lost(frames uint64) *capture {
	return c.add(feed.Record{Kind: feed.Lost, Data: binary.LittleEndian.AppendUint64(nil, frames)})
}

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

// What still comes of a connection after its end, and after it was forgotten, is shown;
// it is open again only once its Open says so.
func TestFramesAfterTheEnd(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).open(1).agreed(2, "", 0).closed(2, protocol.Client)
	c.frame(2, protocol.Server, protocol.OpContinuation, true, "ends unseen").into(t, in)
	if in.State.Breaches != 0 || in.Refresh().OpenConnections != 1 {
		t.Errorf("after the end: %+v, %s", in.State, lines(in, 0, 9))
	}
	in.Clear() // which forgets connection 2, the last that was asked for
	new(capture).closed(2, protocol.Client).headOf(2, protocol.Client, request).into(t, in)
	if s := in.Refresh(); s.Connections != 1 || s.ConnectionsSeen != 1 {
		t.Errorf("what is no frame makes a forgotten connection known again: %+v", *s)
	}
	new(capture).frame(2, protocol.Server, protocol.OpText, true, "late").into(t, in)
	if s := in.Refresh(); s.Connections != 2 || s.OpenConnections != 1 || s.ConnectionsSeen != 1 || len(lines(in, 0, 9)) != 1 {
		t.Errorf("a late frame: %+v", *s)
	}
	new(capture).begin(1, 2).agreed(2, "", feed.Replayed).into(t, in)
	if in.Connections(0, 1); in.Refresh().OpenConnections != 2 || in.ConnWindow().State[0] != uint8(connOpen) || in.ConnWindow().Ended[0] != 0 {
		t.Errorf("said to be open: %+v, in state %d", in.State, in.ConnWindow().State[0])
	}
	checkQueues(t, &in.conns)
}

// A list of open connections is about a range of them.
func TestListedConnections(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0)
	for id := range uint32(9) {
		c.open(id + 1)
	}
	c.into(t, in)
	in.conns.closeUnlisted(3, 6, []byte{5, 0, 0, 0, 99, 0, 0, 0, 8}, 7)
	in.Connections(0, 9)
	if got, want := in.ConnWindow().Ended[:9], []int64{0, 0, 0, 7, 0, 7, 7, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("connections 9 to 1 ended at %d, want %d", got, want)
	}
}

// What is kept of connections that have ended does not grow with their number, and a
// further one leaves hardly anything behind.
func TestChurnAllocates(t *testing.T) {
	in := New(0)
	new(capture).begin(1, 0).into(t, in)
	next := uint32(1)
	ingest := func(n int) []byte {
		batch := new(capture).churn(next, n).batch
		next += uint32(n)
		return batch
	}
	copyIn := func(batch []byte) {
		copy(in.Input(len(batch)), batch)
		if err := in.Ingest(); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		copyIn(ingest(200))
	}
	held, state := in.conns.bytes(), *in.Refresh()
	if state.OpenConnections != 0 || state.Connections != maxEnded || state.ConnectionsSeen != 20_000 || state.Seen != 80_000 || state.Breaches != 0 {
		t.Errorf("%+v", state)
	}
	batches := make([][]byte, 12)
	for i := range batches {
		batches[i] = ingest(200)
	}
	i := 0
	if n := testing.AllocsPerRun(10, func() { copyIn(batches[i]); i++ }); n > 200*12 {
		t.Errorf("%v allocations for each connection", n/200)
	}
	if now := in.conns.bytes(); now > held+held/100 {
		t.Errorf("%d bytes of connections, %d before", now, held)
	}
}

// BenchmarkChurn takes in connections that open, say one thing each way and close;
// beside them others stay open.
func BenchmarkChurn(b *testing.B) {
	for _, idle := range []int{0, 8192} {
		b.Run(fmt.Sprintf("idle=%d", idle), func(b *testing.B) {
			const connections = 64
			in := New(64 << 20)
			new(capture).begin(1, 0).into(b, in)
			next := uint32(1)
			for ; next <= uint32(idle); next++ {
				new(capture).begun(next).into(b, in)
			}
			b.ReportAllocs()
			var batch []byte
			for b.Loop() {
				b.StopTimer()
				batch = new(capture).churn(next, connections).batch
				next += connections
				b.StartTimer()
				copy(in.Input(len(batch)), batch)
				if err := in.Ingest(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/connections, "ns/connection")
			b.ReportMetric(float64(len(batch))/connections, "B/connection")
		})
	}
}
