// Compressed messages in the inspector: shown inflated, judged, bounded, and what
// it says when it cannot.

package inspect

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/protocol/feed"
)

// deflater compresses messages that build on each other.
type deflater struct {
	b bytes.Buffer
	w *flate.Writer
}

func newDeflater(t testing.TB) *deflater {
	t.Helper()
	d := new(deflater)
	w, err := flate.NewWriter(&d.b, 9)
	if err != nil {
		t.Fatal(err)
	}
	d.w = w
	return d
}

func (d *deflater) message(text string) string {
	d.b.Reset()
	d.w.Write([]byte(text))
	d.w.Flush()
	return strings.TrimSuffix(d.b.String(), "\x00\x00\xff\xff")
}

// agreed shakes hands on permessage-deflate.
func (c *capture) agreed(conn uint32, parameters string, flags feed.Flags) *capture {
	offer := strings.Replace(request, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n", 1)
	answer := strings.Replace(response, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate"+parameters+"\r\n\r\n", 1)
	limit := make([]byte, 8)
	return c.add(feed.Record{Kind: feed.Open, Conn: conn, Flags: flags, Data: append(limit, "127.0.0.1:5"...)}).
		add(feed.Record{Kind: feed.Head, Conn: conn, Flags: flags, Side: protocol.Client, Data: []byte(offer)}).
		add(feed.Record{Kind: feed.Head, Conn: conn, Flags: flags, Side: protocol.Server, Data: []byte(answer)})
}

// compressed adds a frame with RSV1 set.
func (c *capture) compressed(conn uint32, side protocol.Side, op protocol.Opcode, fin bool, payload string) *capture {
	at := len(c.batch)
	c.frame(conn, side, op, fin, payload)
	r, _, _ := feed.Parse(c.batch[at:])
	r.Data[0] |= protocol.RSV1 << 4
	return c
}

// compressedTalk is one message in two fragments with a ping between, one that
// builds on it, and one that is not compressed.
func compressedTalk(t testing.TB) *capture {
	d := newDeflater(t)
	first := d.message("the same words, and the same words")
	c := new(capture).begin(1, 0).agreed(1, "; server_no_context_takeover; client_max_window_bits=12", 0)
	c.compressed(1, protocol.Client, protocol.OpText, false, first[:9])
	c.frame(1, protocol.Client, protocol.OpPing, true, "p")
	c.frame(1, protocol.Client, protocol.OpContinuation, true, first[9:])
	c.compressed(1, protocol.Client, protocol.OpText, true, d.message("the same words"))
	return c.frame(1, protocol.Client, protocol.OpText, true, "plain")
}

// shownFrame is what the detail of a frame says.
type shownFrame struct {
	Compressed   bool
	InflatedSize *string
	InflateNote  string
	PayloadKind  string
	Unmasked     string
	Fields       []struct{ Name, Text string }
	Breaches     []struct{ Rule string }
}

func detailOf(t *testing.T, in *Inspector, seq uint64) (f shownFrame, payload string) {
	t.Helper()
	d, ok := in.Detail(seq)
	if !ok {
		t.Fatalf("no detail of frame %d", seq)
	}
	if err := json.Unmarshal(d.JSON, &f); err != nil {
		t.Fatal(err)
	}
	return f, string(d.Payload)
}

func TestCompressedMessagesAreShownInflated(t *testing.T) {
	in := New(0)
	compressedTalk(t).into(t, in)
	text := ""
	for _, seq := range []uint64{1, 3} {
		f, payload := detailOf(t, in, seq)
		if !f.Compressed || f.InflatedSize == nil || f.PayloadKind != "text" || len(f.Breaches) != 0 {
			t.Errorf("frame %d: %+v", seq, f)
		}
		text += payload
	}
	if text != "the same words, and the same words" {
		t.Errorf("the fragments inflate to %q", text)
	}
	if f, payload := detailOf(t, in, 4); payload != "the same words" || *f.InflatedSize != "14" || !strings.HasPrefix(f.Fields[1].Text, "Set: this message is compressed") {
		t.Errorf("the message that builds on it: %q, %+v", payload, f)
	}
	if f, payload := detailOf(t, in, 5); payload != "plain" || f.Compressed {
		t.Errorf("the message that is not compressed: %q, %+v", payload, f)
	}
	shown := lines(in, 0, 9)
	if !strings.Contains(shown[3], "[the same words]") {
		t.Errorf("the row: %s", shown[3])
	}
	f, err := ParseFilter("compressed data")
	if err != nil {
		t.Fatal(err)
	}
	in.SetFilter(f)
	if n := in.matched(); n != 3 {
		t.Errorf("%d frames of compressed messages, want 3", n)
	}
	h, _ := in.Handshake(1)
	if !bytes.Contains(h, []byte(`["The client's messages build on those before (context takeover), in a window of 4096 bytes.","The server compresses each message by itself (no context takeover), in a window of 32768 bytes."]`)) {
		t.Errorf("the handshake says %s", h)
	}
}

func TestLostContextIsShown(t *testing.T) {
	d := newDeflater(t)
	first, second := d.message("words and words"), d.message("words and words")
	alone := newDeflater(t).message("by itself")
	for name, c := range map[string]*capture{
		"lost frames":   new(capture).begin(1, 0).agreed(1, "", 0).compressed(1, protocol.Client, protocol.OpText, true, first).add(feed.Record{Kind: feed.Lost, Data: []byte{1, 0, 0, 0, 0, 0, 0, 0}}),
		"joined midway": new(capture).begin(1, 1).agreed(1, "", feed.Replayed),
	} {
		in := New(0)
		c.compressed(1, protocol.Client, protocol.OpText, true, second).into(t, in)
		f, payload := detailOf(t, in, in.State.LastSeq)
		if f.InflatedSize != nil || !strings.Contains(f.InflateNote, "were not captured") || payload != second || len(f.Breaches) != 0 || f.PayloadKind != "extension" {
			t.Errorf("%s: %+v, payload %q", name, f, payload)
		}
		if shown := lines(in, int(in.matched())-1, 1); !strings.Contains(shown[0], cannotInflate) {
			t.Errorf("%s: %v", name, shown)
		}
	}
	// What builds on nothing before can be inflated, and so can what builds on that.
	in := New(0)
	third := newDeflater(t)
	c := new(capture).begin(1, 1).agreed(1, "", feed.Replayed)
	for _, m := range []string{second, third.message("a third"), third.message("a third"), "\xff\xff"} {
		c.compressed(1, protocol.Client, protocol.OpText, true, m)
	}
	c.into(t, in)
	for seq, want := range map[uint64]string{2: second, 3: "a third", 4: "a third"} {
		if f, payload := detailOf(t, in, seq); payload != want || len(f.Breaches) != 0 {
			t.Errorf("frame %d, joined midway: %q, %+v", seq, payload, f)
		}
	}
	// What is no DEFLATE at all needs no context to be seen.
	if f, _ := detailOf(t, in, 5); len(f.Breaches) != 1 || f.Breaches[0].Rule != "deflate-corrupt" {
		t.Errorf("corrupt, joined midway: %+v", f)
	}
	// Without context takeover only the one message is lost.
	in = New(0)
	new(capture).begin(1, 1).agreed(1, "; client_no_context_takeover", feed.Replayed).
		compressed(1, protocol.Client, protocol.OpText, true, alone).into(t, in)
	if f, payload := detailOf(t, in, 2); payload != "by itself" || f.InflateNote != "" {
		t.Errorf("without context takeover: %q, %+v", payload, f)
	}
}

func TestLateWatcherOfTheWholeConnectionInflates(t *testing.T) {
	// The heads are said again before the history, in which they stand too.
	c := new(capture).begin(1, 0).agreed(1, "", feed.Replayed).agreed(1, "", 0)
	in := New(0)
	c.compressed(1, protocol.Client, protocol.OpText, true, newDeflater(t).message("seen from the start")).into(t, in)
	if f, payload := detailOf(t, in, 1); payload != "seen from the start" || len(f.Breaches) != 0 {
		t.Errorf("%q, %+v", payload, f)
	}
}

func TestCutFrameIsInflatedAsFarAsItGoes(t *testing.T) {
	d := newDeflater(t)
	whole := d.message(strings.Repeat("0123456789abcdef", 20) + strings.Repeat("another text altogether ", 30))
	c := new(capture).begin(1, 0).agreed(1, "", 0)
	h := protocol.Header{Fin: true, RSV: protocol.RSV1, Opcode: protocol.OpText, Masked: true, PayloadLength: uint64(len(whole))}
	wire := append(protocol.AppendHeader(nil, h), whole...)
	c.add(feed.Record{Kind: feed.Frame, Conn: 1, Flags: feed.Cut, WireSize: uint64(len(wire)), Data: wire[:len(wire)-8]})
	in := New(0)
	c.compressed(1, protocol.Client, protocol.OpText, true, d.message("another text altogether"))
	c.compressed(1, protocol.Client, protocol.OpText, true, d.message("MORE")).into(t, in)
	if f, payload := detailOf(t, in, 1); !strings.HasPrefix(payload, "0123456789abcdef0123") || len(f.Breaches) != 0 {
		t.Errorf("the cut frame: %q, %+v", payload, f)
	}
	if f, _ := detailOf(t, in, 2); !strings.Contains(f.InflateNote, "were not captured") || len(f.Breaches) != 0 {
		t.Errorf("the frame that builds on it: %+v", f)
	}
	if f, payload := detailOf(t, in, 3); payload != "MORE" || f.InflateNote != "" {
		t.Errorf("the frame that builds on none: %q, %+v", payload, f)
	}
}

func TestCompressedBreaches(t *testing.T) {
	for name, c := range map[string]struct {
		capture *capture
		rule    string
	}{
		"corrupt":      {new(capture).begin(1, 0).agreed(1, "", 0).compressed(1, protocol.Client, protocol.OpBinary, true, "\xff\xff"), "deflate-corrupt"},
		"text":         {new(capture).begin(1, 0).agreed(1, "", 0).compressed(1, protocol.Client, protocol.OpText, true, newDeflater(t).message("a\xff")), "utf8-invalid"},
		"continuation": {new(capture).begin(1, 0).agreed(1, "", 0).frame(1, protocol.Client, protocol.OpText, false, "a").compressed(1, protocol.Client, protocol.OpContinuation, true, "b"), "deflate-rsv1-continuation"},
		"not agreed":   {new(capture).begin(1, 0).shake(1).compressed(1, protocol.Client, protocol.OpText, true, newDeflater(t).message("a")), "rsv-unexpected"},
	} {
		in := New(0)
		c.capture.into(t, in)
		if f, _ := detailOf(t, in, in.State.LastSeq); len(f.Breaches) != 1 || f.Breaches[0].Rule != c.rule {
			t.Errorf("%s: %+v, want %s", name, f.Breaches, c.rule)
		}
	}
}

// RSV1 compresses no message of a reserved opcode: its frames are shown as they came.
func TestReservedOpcodeIsNotInflated(t *testing.T) {
	hello := newDeflater(t).message("Hello")
	c := new(capture).begin(1, 0).agreed(1, "", 0).
		compressed(1, protocol.Client, 0x3, false, hello).frame(1, protocol.Client, protocol.OpContinuation, true, hello)
	in := New(0)
	c.into(t, in)
	for seq, want := range map[uint64]string{1: "[{rsv-unexpected} {opcode-reserved}]", 2: "[]"} {
		if f, payload := detailOf(t, in, seq); f.Compressed || payload != hello || fmt.Sprint(f.Breaches) != want {
			t.Errorf("frame %d: payload %q, %+v, want breaches %s", seq, payload, f, want)
		}
	}
}

func TestInflatedBytesAreBounded(t *testing.T) {
	bomb := newDeflater(t).message(strings.Repeat("\x00", 8<<20))
	in := New(minBudget)
	new(capture).begin(1, 0).agreed(1, "; client_no_context_takeover", 0).into(t, in)
	for range 300 {
		new(capture).compressed(1, protocol.Client, protocol.OpBinary, true, bomb).into(t, in)
	}
	if f, payload := detailOf(t, in, in.State.LastSeq); len(payload) != keptInflated || *f.InflatedSize != "8388608" || !strings.Contains(f.InflateNote, "65536 bytes are kept") {
		t.Errorf("a bomb: %d bytes shown, %+v", len(payload), f)
	}
	if cap(in.payload) > 8<<20 {
		t.Errorf("%d bytes stay taken", cap(in.payload))
	}
	// Ordinary traffic pushes the old out, inflated bytes too.
	for range 200 {
		c := new(capture)
		for range 100 {
			c.frame(1, protocol.Server, protocol.OpBinary, true, strings.Repeat("x", 1000))
		}
		c.into(t, in)
	}
	if s := in.Refresh(); s.BytesHeld > minBudget+1<<20 || in.clear.bytes != 0 {
		t.Errorf("%d bytes held, %d of them inflated, budget %d", s.BytesHeld, in.clear.bytes, minBudget)
	}
}

// Data that was dropped is not referenced any more, although the list is not moved.
func TestDroppedDataIsFreed(t *testing.T) {
	var l inflatedList
	for row := range uint64(8) {
		l.add(row, 1, []byte("x"))
	}
	all := l.list
	l.drop(5)
	for i, f := range all {
		if kept := f.data != nil; kept != (i >= 5) {
			t.Errorf("entry %d is kept: %v", i, kept)
		}
	}
}
