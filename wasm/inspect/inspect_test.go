// The inspector on captures made here: rows, verdicts, counts, bounds.

package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

var update = flag.Bool("update", false, "write the generated files anew")

// capture builds a feed.
type capture struct{ batch []byte }

func (c *capture) add(r feed.Record) *capture {
	if r.Time == 0 {
		r.Time = 1_700_000_000_000_000_000 + int64(len(c.batch))*1000
	}
	if r.WireSize == 0 {
		r.WireSize = uint64(len(r.Data))
	}
	c.batch = feed.Append(c.batch, r)
	return c
}

func (c *capture) begin(id byte, before uint64) *capture {
	data := append(bytes.Repeat([]byte{id}, 16), make([]byte, 8)...)
	binary.LittleEndian.PutUint64(data[16:], before)
	return c.add(feed.Record{Kind: feed.Begin, Data: data})
}

func (c *capture) open(conn uint32) *capture {
	limit := binary.LittleEndian.AppendUint64(nil, 16<<20)
	return c.add(feed.Record{Kind: feed.Open, Conn: conn, Data: append(limit, "127.0.0.1:5"...)})
}

const request = "GET /ws/echo HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

const response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

func (c *capture) shake(conn uint32) *capture {
	return c.open(conn).
		add(feed.Record{Kind: feed.Head, Conn: conn, Side: protocol.Client, Data: []byte(request)}).
		add(feed.Record{Kind: feed.Head, Conn: conn, Side: protocol.Server, Data: []byte(response)})
}

// frame adds a frame; a client's is masked with the RFC's example key.
func (c *capture) frame(conn uint32, side protocol.Side, op protocol.Opcode, fin bool, payload string) *capture {
	h := protocol.Header{Opcode: op, Fin: fin, PayloadLength: uint64(len(payload))}
	if side == protocol.Client {
		h.Masked, h.MaskingKey = true, 0x37fa213d
	}
	b := append(protocol.AppendHeader(nil, h), payload...)
	protocol.Mask(h.MaskingKey, 0, b[len(b)-len(payload):])
	return c.add(feed.Record{Kind: feed.Frame, Conn: conn, Side: side, Data: b})
}

func (c *capture) raw(conn uint32, side protocol.Side, wire string) *capture {
	return c.add(feed.Record{Kind: feed.Frame, Conn: conn, Side: side, Data: []byte(wire)})
}

func (c *capture) known(first, last uint32, open ...uint32) *capture {
	var data []byte
	for _, id := range append([]uint32{first, last}, open...) {
		data = binary.LittleEndian.AppendUint32(data, id)
	}
	return c.add(feed.Record{Kind: feed.Known, Data: data})
}

func (c *capture) closed(conn uint32, by protocol.Side) *capture {
	return c.add(feed.Record{Kind: feed.Closed, Conn: conn, Side: by})
}

// into hands the feed to an inspector.
func (c *capture) into(t testing.TB, in *Inspector) {
	t.Helper()
	copy(in.Input(len(c.batch)), c.batch)
	if err := in.Ingest(); err != nil {
		t.Fatal(err)
	}
	c.batch = nil
}

// demo is a conversation with something of everything.
func demo() *capture {
	c := new(capture).begin(1, 0).shake(1)
	c.frame(1, protocol.Client, protocol.OpText, true, "Hello")
	c.frame(1, protocol.Server, protocol.OpText, true, "Hello")
	c.frame(1, protocol.Client, protocol.OpText, false, "Grüße")
	c.frame(1, protocol.Server, protocol.OpPing, true, "there?")
	c.frame(1, protocol.Client, protocol.OpContinuation, true, " an alle")
	c.frame(1, protocol.Client, protocol.OpBinary, true, "\x00\x01\xfe\xff")
	c.raw(1, protocol.Client, "\xc1\x01a")
	c.frame(1, protocol.Client, protocol.OpText, true, "a\xffb")
	c.frame(1, protocol.Client, protocol.OpClose, true, "\x03\xe8bye")
	c.frame(1, protocol.Server, protocol.OpClose, true, "\x03\xe8")
	return c.closed(1, protocol.Server)
}

// lines shows the window as text, one frame a line.
func lines(in *Inspector, first, count int) (out []string) {
	n := in.Rows(first, count)
	w := in.RowWindow()
	for i := range n {
		text := w.Text[w.TextOffset[i]:][:w.TextLength[i]]
		rule := ""
		if w.Rule[i] > 0 {
			rule = protocol.Rule(w.Rule[i] - 1).String()
		}
		out = append(out, fmt.Sprintf("%d conn=%d flags=%06b rsv=%d %v len=%d frag=%d start=%d code=%d [%s] %s",
			w.Seq[i], w.Conn[i], w.Flags[i], w.RSV[i], protocol.Opcode(w.Opcode[i]), w.Length[i],
			w.Fragment[i], w.Start[i], w.Code[i], text, rule))
	}
	return out
}

func TestRows(t *testing.T) {
	in := New(0)
	demo().into(t, in)
	want := []string{
		"1 conn=1 flags=100011 rsv=0 text len=5 frag=0 start=0 code=0 [Hello] ",
		"2 conn=1 flags=100101 rsv=0 text len=5 frag=0 start=0 code=0 [Hello] ",
		"3 conn=1 flags=100010 rsv=0 text len=7 frag=1 start=0 code=0 [Grüße] ",
		"4 conn=1 flags=000101 rsv=0 ping len=6 frag=0 start=0 code=0 [there?] ",
		"5 conn=1 flags=100011 rsv=0 continuation len=8 frag=2 start=2 code=0 [ an alle] ",
		"6 conn=1 flags=000011 rsv=0 binary len=4 frag=0 start=0 code=0 [00 01 fe ff] ",
		"7 conn=1 flags=100001 rsv=4 text len=1 frag=0 start=0 code=0 [61] rsv-unexpected",
		"8 conn=1 flags=100011 rsv=0 text len=3 frag=0 start=0 code=0 [a\uFFFDb] utf8-invalid",
		"9 conn=1 flags=000011 rsv=0 close len=5 frag=0 start=0 code=1000 [1000 normal closure: bye] ",
		"10 conn=1 flags=000101 rsv=0 close len=2 frag=0 start=0 code=1000 [1000 normal closure] ",
	}
	got := lines(in, 0, 100)
	for i := range max(len(want), len(got)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("row %d:\n%s\nwant:\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	s := in.Refresh()
	if s.Seen != 10 || s.Held != 10 || s.Breaches != 2 || s.LastSeq != 10 || s.Connections != 1 || s.OpenConnections != 0 {
		t.Errorf("state %+v", *s)
	}
	if n := in.Connections(0, 10); n != 1 {
		t.Fatalf("%d connections", n)
	}
	w := in.ConnWindow()
	if w.State[0] != uint8(connClosed) || w.Closer[0] != 0 || w.Code[0] != 1000 || w.Status[0] != 101 || w.FramesIn[0] != 7 || w.FramesOut[0] != 3 ||
		w.Breaches[0] != 2 || string(w.Text[:w.TextOffset[0]+uint32(w.TextLength[0])]) != "127.0.0.1:5/ws/echo" || w.TextOffset[0] != uint32(w.Remote[0]) {
		t.Errorf("connection: state %d, closer %d, code %d, status %d, frames %d %d, path %q", w.State[0], w.Closer[0], w.Code[0], w.Status[0],
			w.FramesIn[0], w.FramesOut[0], w.Text[:w.TextOffset[0]+uint32(w.TextLength[0])])
	}
}

func TestFilter(t *testing.T) {
	in := New(0)
	demo().shake(2).frame(2, protocol.Client, protocol.OpText, true, "two").into(t, in)
	for text, want := range map[string]string{
		"":                         "1 2 3 4 5 6 7 8 9 10 11",
		"text":                     "1 2 3 7 8 11",
		"opcode:text,ping dir:in":  "1 3 7 8 11",
		"in -text":                 "5 6 9",
		"out":                      "2 4 10",
		"control":                  "4 9 10",
		"-control conn:1 out":      "2",
		"#2":                       "11",
		"conn:1,2 ping":            "4",
		"breach":                   "7 8",
		"rule:utf8-invalid":        "8",
		"-rule:any close":          "9 10",
		"opcode:0x3":               "",
		"  binary   ":              "6",
		"opcode:0x2":               "6",
		"rule:rsv-unexpected,text": "error",
		"opcode:nothing":           "error",
		"dir:up":                   "error",
		"#":                        "error",
		"hello":                    "error",
		"-":                        "error",
	} {
		f, err := ParseFilter(text)
		if err != nil {
			if want != "error" || !strings.Contains(err.Error(), "not understood: ") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		in.SetFilter(f)
		n := in.Rows(0, 100)
		seqs := fmt.Sprint(in.RowWindow().Seq[:n])
		if got := strings.Trim(seqs, "[]"); got != want {
			t.Errorf("%q shows %s, want %s", text, got, want)
		}
	}
	f, _ := ParseFilter("text")
	in.SetFilter(f)
	for seq, want := range map[uint64]int{1: 0, 2: 1, 4: 3, 9: 5, 12: -1} {
		if got := in.Find(seq); got != want {
			t.Errorf("frame %d is at %d, want %d", seq, got, want)
		}
	}
	new(capture).frame(2, protocol.Server, protocol.OpText, true, "new").into(t, in)
	if s := in.Refresh(); s.Matched != 7 {
		t.Errorf("%d match after another came", s.Matched)
	}
}

func TestLossAndRestart(t *testing.T) {
	in := New(0)
	new(capture).begin(1, 10).shake(1).frame(1, protocol.Server, protocol.OpText, false, "a").into(t, in)
	lost := binary.LittleEndian.AppendUint64(nil, 5)
	c := new(capture).add(feed.Record{Kind: feed.Lost, Data: lost})
	c.known(1, 1, 1)
	c.frame(1, protocol.Server, protocol.OpContinuation, true, "\xff").into(t, in)
	if in.Rows(0, 9); fmt.Sprint(in.RowWindow().Seq[:2]) != "[11 17]" || in.RowWindow().Rule[1] != 0 {
		t.Errorf("after a loss: %v", lines(in, 0, 9))
	}
	// The feed goes on where it stopped: nothing is counted twice.
	if q, ok := in.ResumeQuery(); !ok || string(q) != "capture=01010101010101010101010101010101&after=17" {
		t.Errorf("resume with %s", q)
	}
	new(capture).begin(1, 17).frame(1, protocol.Server, protocol.OpText, true, "b").into(t, in)
	// Another capture: its connection 1 is another, and numbers go on.
	new(capture).begin(2, 0).shake(1).frame(1, protocol.Server, protocol.OpText, true, "c").into(t, in)
	if in.Rows(0, 9); fmt.Sprint(in.RowWindow().Seq[:4], in.RowWindow().Conn[:4]) != "[11 17 18 19] [1 1 1 2]" {
		t.Errorf("after a restart: %v", lines(in, 0, 9))
	}
	if s := in.Refresh(); s.Lost != 15 || s.Seen != 4 || s.OpenConnections != 1 || s.Connections != 2 {
		t.Errorf("state %+v", *s)
	}
	for seq, want := range map[uint64]int{1: 0, 11: 0, 12: 1, 17: 1, 18: 2, 19: 3} {
		if got := in.Find(seq); got != want {
			t.Errorf("frame %d is at %d, want %d", seq, got, want)
		}
	}
	// A loss in which a connection ended.
	new(capture).known(1, 1).into(t, in)
	if s := in.Refresh(); s.OpenConnections != 0 {
		t.Errorf("%d connections open", s.OpenConnections)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	in := New(8 << 20)
	f, _ := ParseFilter("out")
	in.SetFilter(f)
	new(capture).begin(1, 0).shake(1).into(t, in)
	const total = 200_000
	payload := strings.Repeat("x", 100)
	for sent := 0; sent < total; {
		c := new(capture)
		for range 1000 {
			c.frame(1, protocol.Server, protocol.OpText, true, payload)
			sent++
		}
		c.into(t, in)
	}
	s := in.Refresh()
	if s.BytesHeld > 10<<20 || s.Seen != total || s.Held+s.Evicted != total || s.Matched != s.Held || s.Evicted == 0 {
		t.Errorf("state %+v", *s)
	}
	n := in.Rows(0, 1)
	if w := in.RowWindow(); n != 1 || w.Seq[0] != s.Evicted+1 || string(w.Text[:3]) != "xxx" {
		t.Errorf("oldest row: %v", lines(in, 0, 1))
	}
	if _, ok := in.Detail(1); ok {
		t.Error("an evicted frame has a detail")
	}
	in.Clear()
	if s := in.Refresh(); s.Seen != 0 || s.Held != 0 || s.Matched != 0 || s.LastSeq != total {
		t.Errorf("after clear: %+v", *s)
	}
	new(capture).frame(1, protocol.Server, protocol.OpText, true, "on").into(t, in)
	if got := lines(in, 0, 9); len(got) != 1 || !strings.HasPrefix(got[0], "200001 conn=1") {
		t.Errorf("after clear: %v", got)
	}
}

func TestDetail(t *testing.T) {
	in := New(0)
	demo().into(t, in)
	for seq := uint64(1); seq <= 10; seq++ {
		d, ok := in.Detail(seq)
		if !ok || !json.Valid(d.JSON) {
			t.Fatalf("frame %d: %v %s", seq, ok, d.JSON)
		}
	}
	d, _ := in.Detail(1)
	// RFC 6455 5.7: a single-frame masked text message.
	if string(d.Wire) != "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" || string(d.Payload) != "Hello" {
		t.Errorf("wire % x, payload %q", d.Wire, d.Payload)
	}
	var got struct {
		Fields []struct {
			Name, Value string
			Bit, Bits   int
		}
	}
	if err := json.Unmarshal(d.JSON, &got); err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got.Fields); s != "[{fin 1 0 1} {rsv1 0 1 1} {rsv2 0 2 1} {rsv3 0 3 1} {opcode 1 4 4} {mask 1 8 1} {payload-len 5 9 7} {masking-key 939139389 16 32}]" {
		t.Errorf("fields %s", s)
	}
	if _, ok := in.Detail(11); ok {
		t.Error("a frame that has not come has a detail")
	}
}

func TestHandshake(t *testing.T) {
	in := New(0)
	demo().into(t, in)
	text, ok := in.Handshake(1)
	var got struct {
		Accept, AcceptComputed string
		AcceptOK               bool
		Checks                 []struct{ OK bool }
		Request                struct{ Raw string }
	}
	if err := json.Unmarshal(text, &got); !ok || err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !got.AcceptOK || got.Accept != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || len(got.Checks) != 17 || got.Request.Raw != request {
		t.Errorf("%+v", got)
	}
	for i, c := range got.Checks {
		if !c.OK {
			t.Errorf("check %d failed: %s", i, text)
		}
	}
	if _, ok := in.Handshake(2); ok {
		t.Error("an unknown connection has a handshake")
	}
}

func TestBrokenBatch(t *testing.T) {
	in := New(0)
	c := demo()
	whole := len(c.batch)
	c.batch = append(c.batch, 1, 2, 3)
	copy(in.Input(len(c.batch)), c.batch)
	if err := in.Ingest(); err == nil {
		t.Error("a cut record was taken")
	}
	if whole == 0 || in.Refresh().Seen != 10 || len(lines(in, 0, 20)) != 10 {
		t.Errorf("%d frames before the broken record", in.State.Seen)
	}
}

// FuzzIngest: no capture, however broken, does harm.
func FuzzIngest(f *testing.F) {
	f.Add(demo().batch)
	for _, limit := range []uint32{2, 1 << 16} {
		runs, _ := grouped(limit)
		f.Add(runs.batch)
	}
	f.Add(new(capture).begin(1, 5).raw(7, 3, "\x81").raw(7, 1, "").batch)
	f.Add(new(capture).begin(1, 0).churn(1, 3).lost(2).open(9).raw(2, 0, "\x81").closed(9, 1).begin(2, 0).raw(9, 0, "\x81").batch)
	f.Fuzz(func(t *testing.T, batch []byte) {
		in := New(0)
		for range 2 {
			copy(in.Input(len(batch)), batch)
			in.Ingest()
			s := in.Refresh()
			if s.Held != s.Seen || s.Matched != s.Held {
				t.Fatalf("state %+v", *s)
			}
			checkQueues(t, &in.conns)
			n := in.Rows(0, RowWindowSize)
			for i := range n {
				if d, ok := in.Detail(in.RowWindow().Seq[i]); !ok || !json.Valid(d.JSON) {
					t.Fatalf("detail %v %s", ok, d.JSON)
				}
			}
			for i := range in.Connections(0, ConnWindowSize) {
				if text, ok := in.Handshake(in.ConnWindow().ID[i]); !ok || !json.Valid(text) {
					t.Fatalf("handshake %v %s", ok, text)
				}
			}
		}
	})
}

// benchBatch is half masked text frames of 125 bytes, as the benchmark in the
// browser has them too.
// benchBatches are ASCII texts of one length; and of each side, again and again, other frames:
// those of frontend/bench/ingest.ts.
func benchBatches(frames int) map[string][]byte {
	letters := func(n int) string { return strings.Repeat("abcdefghijklmnopqrstuvwxyz", 16)[:n] }
	mixed := []struct {
		op      protocol.Opcode
		fin     bool
		payload string
	}{
		{protocol.OpText, true, letters(20)},
		{protocol.OpText, true, letters(125)},
		{protocol.OpBinary, true, letters(60)},
		{protocol.OpText, true, "Größe: 12 €, 你好, and more of the same"},
		{protocol.OpPing, true, letters(4)},
		{protocol.OpText, false, letters(80)},
		{protocol.OpContinuation, true, letters(33)},
		{protocol.OpText, true, letters(400)},
		{protocol.OpText, true, letters(50)},
		{protocol.OpPong, true, letters(4)},
	}
	same, other := new(capture), new(capture)
	for i := range frames {
		side, m := protocol.Side(i&1), mixed[i/2%len(mixed)]
		same.frame(1, side, protocol.OpText, true, letters(125))
		other.frame(1, side, m.op, m.fin, m.payload)
	}
	return map[string][]byte{"alike": same.batch, "mixed": other.batch}
}

func BenchmarkIngest(b *testing.B) {
	const frames = 1000
	for _, kind := range []string{"alike", "mixed"} {
		b.Run(kind, func(b *testing.B) {
			batch := benchBatches(frames)[kind]
			in := New(4 << 20)
			new(capture).begin(1, 0).shake(1).into(b, in)
			b.ReportAllocs()
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				copy(in.Input(len(batch)), batch)
				if err := in.Ingest(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*frames/b.Elapsed().Seconds()/1e6, "Mframes/s")
		})
	}
}

func TestJoinedMidway(t *testing.T) {
	in := New(0)
	limit := binary.LittleEndian.AppendUint64(nil, 16<<20)
	c := new(capture).begin(1, 7).add(feed.Record{Kind: feed.Open, Conn: 1, Flags: feed.Replayed, Data: limit})
	c.frame(1, protocol.Server, protocol.OpContinuation, true, "\xac").frame(1, protocol.Server, protocol.OpContinuation, true, "")
	c.shake(2).frame(2, protocol.Server, protocol.OpContinuation, true, "")
	c.into(t, in)
	got := lines(in, 0, 9)
	if in.State.Breaches != 2 || strings.Contains(got[0], "unexpected") || !strings.Contains(got[2], "continuation-unexpected") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestCutFrames(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).shake(1)
	c.add(feed.Record{Kind: feed.Frame, Conn: 1, Side: protocol.Server, Flags: feed.Cut, WireSize: 6, Data: []byte("\x88\x04")})
	c.add(feed.Record{Kind: feed.Frame, Conn: 1, Side: protocol.Server, Flags: feed.Cut | feed.Partial, WireSize: 1<<64 - 1, Data: []byte("\x82")})
	c.into(t, in)
	in.Connections(0, 1)
	if w := in.ConnWindow(); w.Code[0] != 0 || w.BytesOut[0] != 6 {
		t.Errorf("close code %d, %d bytes", w.Code[0], w.BytesOut[0])
	}
	if got := lines(in, 0, 1); strings.Contains(got[0], "1005") {
		t.Error(got)
	}
}

// FuzzFilter: any text is a filter or a sentence about what is wrong with it.
func FuzzFilter(f *testing.F) {
	f.Add("opcode:text,ping dir:in -conn:1,2 rule:any #3")
	f.Add("-: #, ,")
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := ParseFilter(text)
		if err != nil && err.Error() == "" || err == nil && filter == nil && strings.Trim(text, " ") != "" {
			t.Fatalf("%q: %v, %v", text, filter, err)
		}
		if filter != nil {
			filter.match(new(row))
		}
	})
}
