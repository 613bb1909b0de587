// Bounds: what is kept of much, and what is said of what was cut.

package inspect

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// What one batch inflates to stays within the budget, and what is forgotten is given
// back though the runtime has no time of its own.
func TestMuchThatInflates(t *testing.T) {
	const budget = 32 << 20
	in := New(budget)
	new(capture).begin(1, 0).agreed(1, "; client_no_context_takeover", 0).into(t, in)
	small := newDeflater(t).message(strings.Repeat("a", 60_000))
	c := new(capture)
	for range 2000 { // 120 MB
		c.compressed(1, protocol.Client, protocol.OpText, true, small)
	}
	batch := c.batch
	collected := 0
	for range 20 {
		copy(in.Input(len(batch)), batch)
		if err := in.Ingest(); err != nil {
			t.Fatal(err)
		}
		if held := in.held(); held > budget {
			t.Fatalf("%d bytes are held, of %d", held, budget)
		}
		if in.Litters() {
			collected++
		}
	}
	if collected < 3 { // some 80 MB have been kept, and 32 are held
		t.Errorf("memory was to be taken back %d times", collected)
	}
	f, payload := detailOf(t, in, in.State.LastSeq)
	if len(payload) != leastInflated || *f.InflatedSize != "60000" || f.InflateNote != "Of what it inflates to, the first 1024 bytes are kept." {
		t.Errorf("%d bytes of the last are kept, %+v", len(payload), f)
	}
}

// Small batches fill a slab, too.
func TestMuchThatInflatesBitByBit(t *testing.T) {
	const budget = 16 << 20
	in := New(budget)
	new(capture).begin(1, 0).agreed(1, "; client_no_context_takeover", 0).into(t, in)
	c := new(capture)
	for range 30 {
		c.compressed(1, protocol.Client, protocol.OpText, true, newDeflater(t).message(strings.Repeat("a", 60_000)))
	}
	batch := c.batch
	for range 300 {
		copy(in.Input(len(batch)), batch)
		if err := in.Ingest(); err != nil {
			t.Fatal(err)
		}
		if held := in.held(); held > budget+budget/4 {
			t.Fatalf("%d bytes are held, of %d", held, budget)
		}
	}
}

// Heads that were forgotten are not new when they are said again.
func TestHeadsToldAgain(t *testing.T) {
	in := New(0)
	d := newDeflater(t)
	new(capture).begin(1, 0).agreed(1, "", 0).compressed(1, protocol.Client, protocol.OpText, true, d.message("the same words")).into(t, in)
	in.conns.forgetHeads(0)
	new(capture).begin(1, 1).agreed(1, "", feed.Replayed).compressed(1, protocol.Client, protocol.OpText, true, d.message("the same words")).into(t, in)
	if f, payload := detailOf(t, in, 2); payload != "the same words" || f.InflateNote != "" {
		t.Errorf("%q, %+v", payload, f)
	}
}

func TestHeadsStayWithinTheBudget(t *testing.T) {
	in := New(0)
	long := strings.Replace(request, "\r\n\r\n", "\r\nCookie: "+strings.Repeat("x", 60_000)+"\r\n\r\n", 1)
	for id := range uint32(200) {
		c := new(capture).open(id + 1)
		c.add(feed.Record{Kind: feed.Head, Conn: id + 1, Side: protocol.Client, Data: []byte(long)})
		c.add(feed.Record{Kind: feed.Head, Conn: id + 1, Side: protocol.Server, Data: []byte(response)}).into(t, in)
	}
	if in.conns.heads > minBudget/8 || in.conns.heads < minBudget/16 {
		t.Errorf("%d bytes of heads are kept", in.conns.heads)
	}
	if text, _ := in.Handshake(200); !strings.Contains(string(text), "xxxx") || strings.Contains(string(text), `"ok":false`) {
		t.Errorf("the newest handshake: %.200s", text)
	}
	if text, ok := in.Handshake(1); !ok || !strings.Contains(string(text), `"request":null`) {
		t.Errorf("the oldest handshake: %.200s", text)
	}
	kept := 0
	for c := in.conns.headed.first; c != nil; c = in.conns.headed.next(c) {
		kept += c.headBytes()
	}
	if kept != in.conns.heads {
		t.Errorf("%d bytes of heads, counted %d", kept, in.conns.heads)
	}
}

// A head that was cut lacks its blank line, and perhaps more.
func TestCutHead(t *testing.T) {
	in := New(0)
	c := new(capture).open(1)
	c.add(feed.Record{Kind: feed.Head, Conn: 1, Flags: feed.Cut, WireSize: 99_999, Data: []byte(request[:len(request)-20])})
	c.add(feed.Record{Kind: feed.Head, Conn: 1, Side: protocol.Server, Data: []byte(response)}).into(t, in)
	text, _ := in.Handshake(1)
	if !strings.Contains(string(text), `"line":"GET /ws/echo HTTP/1.1"`) || !strings.Contains(string(text), `"acceptOK":true`) {
		t.Errorf("%s", text)
	}
}

// Of a frame that ends within its header the first byte tells the opcode.
func TestFrameCutInItsHeader(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).shake(1)
	for _, wire := range []string{"\x89", "\x01\xfe\x01"} {
		c.add(feed.Record{Kind: feed.Frame, Conn: 1, Flags: feed.Cut | feed.Partial, WireSize: 1<<64 - 1, Data: []byte(wire)})
	}
	c.into(t, in)
	got := lines(in, 0, 9)
	if !strings.Contains(got[0], " ping ") || !strings.Contains(got[1], " text ") || !strings.Contains(got[1], "flags=011010") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	for seq, bytes := range map[uint64]int{1: 1, 2: 3} {
		if d, _ := in.Detail(seq); !strings.Contains(string(d.JSON), fmt.Sprintf(`"wireSize":"%d"`, bytes)) {
			t.Errorf("%s", d.JSON)
		}
	}
}

func TestExplanations(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).agreed(1, "", 0)
	c.frame(1, protocol.Client, protocol.OpText, true, "not compressed")
	c.frame(1, protocol.Client, protocol.OpPing, false, "in parts").into(t, in)
	if f, _ := detailOf(t, in, 1); !strings.HasPrefix(f.Fields[1].Text, "0: this message is not compressed") {
		t.Errorf("RSV1 of a message that is not compressed: %s", f.Fields[1].Text)
	}
	if f, _ := detailOf(t, in, 2); !strings.Contains(f.Fields[0].Text, "must not be fragmented") {
		t.Errorf("FIN of a ping in parts: %s", f.Fields[0].Text)
	}
}

// Text of which the beginning is kept may end within a character.
func TestKeptBeginningOfText(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0).agreed(1, "", 0)
	c.compressed(1, protocol.Client, protocol.OpText, true, newDeflater(t).message("a"+strings.Repeat("é", 40_000))).into(t, in)
	if d, _ := in.Detail(1); !strings.Contains(string(d.JSON), `"payloadValid":true`) || len(d.Payload) != keptInflated {
		t.Errorf("%d bytes, %.300s", len(d.Payload), d.JSON)
	}
}
