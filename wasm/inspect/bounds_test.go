// Bounds: what is kept of much, and what is said of what was cut.

package inspect

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// What one batch inflates to stays within the budget, and what is dropped is freed although the
// runtime has no time of its own.
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
		if in.ShouldCollect() {
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

// What decoders hold to inflate with is bounded for all connections together: those that
// have not used it for longest lose it, and their frames say so.
func TestContextsStayWithinTheBudget(t *testing.T) {
	in := New(0)
	new(capture).begin(1, 0).into(t, in)
	text := strings.Repeat("the same words, and more ", 400)
	const many = 200 // each with a context of 10 KB
	deflaters := make([]*deflater, many)
	for i := range deflaters {
		deflaters[i] = newDeflater(t)
		id := uint32(i + 1)
		new(capture).agreed(id, "", 0).compressed(id, protocol.Client, protocol.OpText, true, deflaters[i].message(text)).into(t, in)
		if in.conns.contexts > minBudget/8 {
			t.Fatalf("%d bytes are held after %d connections", in.conns.contexts, id)
		}
	}
	if in.conns.contexts < minBudget/16 {
		t.Errorf("no more than %d bytes are held", in.conns.contexts)
	}
	c := new(capture)
	for _, id := range []uint32{1, many} {
		c.compressed(id, protocol.Client, protocol.OpText, true, deflaters[id-1].message(text))
	}
	c.into(t, in)
	if _, payload := detailOf(t, in, many+2); payload != text {
		t.Errorf("the newest connection's second message: %.40q", payload)
	}
	if f, _ := detailOf(t, in, many+1); !strings.Contains(f.InflateNote, "cannot be inflated") || in.State.Breaches != 0 {
		t.Errorf("the oldest connection's second message: %+v", f)
	}
	checkQueues(t, &in.conns)
	for c := in.conns.all.first; c != nil; c = in.conns.all.next(c) {
		if c.sent[protocol.Client].decoder.SwapInflater(nil) != nil {
			t.Fatalf("connection %d keeps an Inflater between messages", c.id)
		}
	}
	// So do those of unfinished messages, for which more is held.
	for id := range uint32(many) {
		c.compressed(id+1, protocol.Server, protocol.OpText, false, newDeflater(t).message("a"))
		if c.into(t, in); in.conns.contexts > minBudget/8 {
			t.Fatalf("%d bytes are held after %d unfinished messages", in.conns.contexts, id+1)
		}
	}
	checkQueues(t, &in.conns)
	for id := range uint32(many) {
		c.closed(id+1, protocol.Client)
	}
	if c.into(t, in); in.conns.contexts != 0 {
		t.Errorf("%d bytes are held for closed connections", in.conns.contexts)
	}
	// A frame after the end is followed, too, and what it leaves goes with the connection.
	new(capture).compressed(many, protocol.Client, protocol.OpText, false, newDeflater(t).message(text)).into(t, in)
	if in.conns.contexts < inflaterSize {
		t.Errorf("%d bytes are held for an unfinished message", in.conns.contexts)
	}
	if in.Clear(); in.conns.contexts != 0 {
		t.Errorf("%d bytes are held for forgotten connections", in.conns.contexts)
	}
	checkQueues(t, &in.conns)
}

// Inflating takes nothing new from message to message but what is kept of each, whatever
// connection it is of.
func TestInflatingAllocates(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0)
	const many = 50
	for id := range uint32(many) {
		c.agreed(id+1, "; client_no_context_takeover", 0)
	}
	c.into(t, in)
	message := newDeflater(t).message("some words")
	for id := range uint32(many) {
		c.compressed(id+1, protocol.Client, protocol.OpText, true, message)
	}
	take := func() {
		copy(in.Input(len(c.batch)), c.batch)
		if err := in.Ingest(); err != nil {
			t.Fatal(err)
		}
	}
	take()
	if n := testing.AllocsPerRun(20, take); n > many*5/4 {
		t.Errorf("%v allocations for %d messages", n, many)
	}
}

// Messages that are under way at the same time do not share what they are inflated with.
func TestMessagesInflatedAtOnce(t *testing.T) {
	in := New(0)
	c := new(capture).begin(1, 0)
	const many = 5
	texts, parts := [many]string{}, [many]string{}
	for i := range texts {
		texts[i] = strings.Repeat(strings.Repeat(string(rune('a'+i)), i+1)+" words ", 30)
		parts[i] = newDeflater(t).message(texts[i])
		c.agreed(uint32(i+1), "", 0)
	}
	for i, part := range parts {
		c.compressed(uint32(i+1), protocol.Client, protocol.OpText, false, part[:len(part)/2])
	}
	// The first is given up for another.
	c.compressed(1, protocol.Client, protocol.OpText, true, parts[0])
	for i, part := range parts[1:] {
		c.frame(uint32(i+2), protocol.Client, protocol.OpContinuation, true, part[len(part)/2:])
	}
	c.into(t, in)
	if _, payload := detailOf(t, in, many+1); payload != texts[0] {
		t.Errorf("the message that took another's place: %q", payload)
	}
	for i := range many - 1 {
		_, first := detailOf(t, in, uint64(i+2))
		_, rest := detailOf(t, in, uint64(many+2+i))
		if first+rest != texts[i+1] {
			t.Errorf("message %d: %q, then %q", i+2, first, rest)
		}
	}
	checkQueues(t, &in.conns)
}

// Heads that were dropped are not counted as new when they are repeated.
func TestRepeatedHeads(t *testing.T) {
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
	for c := in.conns.withHeads.first; c != nil; c = in.conns.withHeads.next(c) {
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
