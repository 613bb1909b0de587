// Churn: thousands of short connections a second, what comes of them after their end, and
// what they leave in memory.

package inspect

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
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
	c.add(feed.Record{Kind: feed.Known, Time: 7, Data: []byte{3, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0, 99, 0, 0, 0, 8}}).into(t, in)
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
	// What is left behind is counted, or it would not be taken back.
	batch := ingest(1000)
	counted := in.garbage + in.conns.gone
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	copyIn(batch)
	runtime.ReadMemStats(&after)
	counted = in.garbage + in.conns.gone - counted
	if allocated := int(after.TotalAlloc - before.TotalAlloc); allocated > counted {
		t.Errorf("%d bytes are allocated, and %d counted as garbage", allocated, counted)
	}
}

// BenchmarkChurn ingests connections that open, send one message each way and close;
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
