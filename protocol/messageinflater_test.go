// Compressed messages through the decoder: context, fragments, limits, gaps.

package protocol

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// compressor makes messages that build on each other, as a sender does.
type compressor struct {
	b bytes.Buffer
	w *flate.Writer
}

func newCompressor(t testing.TB) *compressor {
	c := new(compressor)
	w, err := flate.NewWriter(&c.b, 9)
	if err != nil {
		t.Fatal(err)
	}
	c.w = w
	return c
}

func (c *compressor) message(text string) string {
	c.b.Reset()
	c.w.Write([]byte(text))
	c.w.Flush()
	return strings.TrimSuffix(c.b.String(), string(tail))
}

// compressedFrames is frames with RSV1 in the first one of each message.
func compressedFrames(parts ...any) (wire []byte) {
	for i := 0; i < len(parts); i += 3 {
		at := len(wire)
		wire = append(wire, frames(parts[i:i+3]...)...)
		if op := parts[i].(Opcode); op == OpText || op == OpBinary {
			wire[at] |= RSV1 << 4
		}
	}
	return wire
}

func TestContextTakeover(t *testing.T) {
	c := newCompressor(t)
	const text = "the same words in each message, and many of them"
	first, second := c.message(text), c.message(text)
	if len(second) >= len(first)/2 {
		t.Fatal("the second message does not build on the first")
	}
	wire := compressedFrames(OpText, true, first, OpText, true, second)
	wire = append(wire, frames(OpText, true, "not compressed")...)
	got := decode(&Decoder{From: Server, Deflate: Deflate{On: true}}, wire)
	if len(got) != 3 || got[0].clear != text || got[1].clear != text || got[1].broken != 0 || got[2].payload != "not compressed" {
		t.Errorf("with context takeover: %+v", got)
	}
	got = decode(&Decoder{From: Server, Deflate: Deflate{On: true, ServerNoContextTakeover: true}}, wire)
	if got[0].clear != text || got[1].broken != RuleDeflateCorrupt.Set() {
		t.Errorf("a message that builds on the one before, though agreed not to: %+v", got[1])
	}
}

func TestCompressedFragments(t *testing.T) {
	text := strings.Repeat("Grüße, 世界! ", 40)
	m := newCompressor(t).message(text)
	wire := compressedFrames(
		OpText, false, m[:5], OpPing, true, "p", OpContinuation, false, "", OpContinuation, false, m[5:9], OpContinuation, true, m[9:])
	for cut := range len(wire) {
		clear := ""
		for _, f := range decode(&Decoder{From: Server, Deflate: Deflate{On: true}}, wire, cut) {
			clear += f.clear
			if f.broken != 0 {
				t.Fatalf("cut at %d: breaks %b", cut, f.broken)
			}
		}
		if clear != text {
			t.Fatalf("cut at %d: %q", cut, clear)
		}
	}
}

// TestReservedOpcodeIsNotInflated: RSV1 means compressed in a text or a binary message
// only, whatever stands before or behind.
func TestReservedOpcodeIsNotInflated(t *testing.T) {
	c := newCompressor(t)
	one, two := c.message("some words"), c.message("some words")
	wire := compressedFrames(OpText, true, one)
	at := len(wire)
	wire = append(wire, frames(Opcode(3), false, one, OpContinuation, true, "12345678901", OpContinuation, true, "x")...)
	wire[at] |= RSV1 << 4
	wire = append(wire, compressedFrames(OpText, true, two)...)
	got := decode(&Decoder{From: Server, MaxMessageSize: 20, Deflate: Deflate{On: true}}, wire)
	want := []frameSeen{
		{clear: "some words"},
		{broken: RuleRSVUnexpected.Set() | RuleOpcodeReserved.Set()},
		{broken: RuleMessageTooBig.Set()}, // that for messages as they are
		{broken: RuleContinuationUnexpected.Set()},
		{clear: "some words"},
	}
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].clear != w.clear || got[i].broken != w.broken {
			t.Errorf("frame %d: inflates to %q, breaks %b; want %q, %b", i, got[i].clear, got[i].broken, w.clear, w.broken)
		}
	}
}

func TestInflatedLimit(t *testing.T) {
	wire := compressedFrames(OpBinary, true, newCompressor(t).message(strings.Repeat("a", 1000)))
	for limit, want := range map[uint64]Rules{1000: 0, 999: RuleMessageTooBig.Set()} {
		got := decode(&Decoder{From: Server, MaxMessageSize: limit, Deflate: Deflate{On: true}}, wire)
		if got[0].broken != want {
			t.Errorf("1000 bytes, limit %d: breaks %b, want %b", limit, got[0].broken, want)
		}
	}
	// Bytes that do not shrink take more than they are, which the limit is not for.
	stored := compressedFrames(OpBinary, true, string(deflated(t, bytes.Repeat([]byte{1}, 1000), flate.NoCompression)))
	if got := decode(&Decoder{From: Server, MaxMessageSize: 1000, Deflate: Deflate{On: true}}, stored); got[0].broken != 0 {
		t.Errorf("1000 stored bytes, limit 1000: breaks %b", got[0].broken)
	}
}

// TestInvalidTextBeforeCorruptData: where text becomes invalid and where inflating fails are two places, also
// when one call finds both.
func TestInvalidTextBeforeCorruptData(t *testing.T) {
	// A stored block of a, 0xFF and b, and a block of the reserved type.
	wire := []byte{0xC1, 9, 0x00, 0x03, 0x00, 0xFC, 0xFF, 'a', 0xFF, 'b', 0x07}
	d := Decoder{From: Server, Deflate: Deflate{On: true}}
	ev, _ := d.Next(wire)
	_, broken := d.Inflate(nil, ev.Data)
	if broken != RuleUTF8Invalid.Set()|RuleDeflateCorrupt.Set() {
		t.Fatalf("broken %b", broken)
	}
	if text, corrupt := d.BreachOf(RuleUTF8Invalid).Seen, d.BreachOf(RuleDeflateCorrupt).Seen; text != 1 || corrupt != 3 {
		t.Errorf("text at %d, want 1; corrupt at %d, want 3", text, corrupt)
	}
}

func TestContextLost(t *testing.T) {
	c := newCompressor(t)
	one, two := c.message("some words"), c.message("some words")
	d := &Decoder{From: Server, Deflate: Deflate{On: true}}
	decode(d, compressedFrames(OpText, true, one))
	d.Gap()
	if got := decode(d, compressedFrames(OpText, true, two)); got[0].broken != 0 || got[0].clear != "" || !d.ContextLost() {
		t.Errorf("after a gap: %+v", got)
	}
	// A message that is not read to its end is a gap too.
	d = &Decoder{From: Server, Deflate: Deflate{On: true}}
	d.Next(compressedFrames(OpText, true, one)[:5])
	d.Inflate(nil, nil)
	d.Skip(d.Pending())
	decode(d, compressedFrames(OpText, true, two))
	if !d.ContextLost() {
		t.Error("the context is not lost after a message of which bytes are missing")
	}
	d.Deflate.ServerNoContextTakeover = true
	if got := decode(d, compressedFrames(OpText, true, one)); got[0].clear != "some words" || d.ContextLost() {
		t.Errorf("without context takeover, after a gap: %+v", got)
	}
}

// TestJoinedMidway: of a stream whose beginning is missing each message is what its
// sender compressed, or cannot be inflated, and none is a breach.
func TestJoinedMidway(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var c *compressor
	var clear, packed []string
	for i := range 40 {
		if i%8 == 0 {
			c = newCompressor(t) // a sender may begin anew at any time
		}
		var text strings.Builder
		for range 1 + random.IntN(30) {
			fmt.Fprintf(&text, "word %d, ", random.IntN(60))
		}
		clear, packed = append(clear, text.String()), append(packed, c.message(text.String()))
	}
	inflated, lost := 0, 0
	for first := 1; first < len(packed); first++ {
		d := &Decoder{From: Server, Deflate: Deflate{On: true}}
		d.LoseContext()
		for i, m := range packed[first:] {
			cut := random.IntN(len(m) + 1)
			got, missing, want := "", false, clear[first+i]
			for _, wire := range [][]byte{compressedFrames(OpText, false, m[:cut]), frames(OpContinuation, true, m[cut:])} {
				f := decode(d, wire)[0]
				missing = missing || d.ContextLost()
				if got += f.clear; f.broken != 0 {
					t.Fatalf("messages from %d on: message %d breaks %b", first, first+i, f.broken)
				}
			}
			switch {
			case missing && strings.HasPrefix(want, got):
				lost++
			case !missing && got == want:
				inflated++
			default:
				t.Fatalf("messages from %d on: message %d inflates to %q, lost %v, want %q", first, first+i, got, missing, want)
			}
		}
	}
	if inflated == 0 || lost == 0 {
		t.Errorf("%d messages inflated, %d lost: one of them is not tried here", inflated, lost)
	}
}

// TestFaultsFoundWithoutContext: some faults are seen though the context is missing.
func TestFaultsFoundWithoutContext(t *testing.T) {
	c := newCompressor(t)
	c.message("some words")
	builds := c.message("some words")
	far := ""
	for i := range 100 {
		far += strconv.Itoa(i * i * 7919)
	}
	for _, v := range []struct {
		name    string
		message string
		deflate Deflate
		want    Rules
	}{
		{"block of a reserved type", "\xff\xff", Deflate{On: true}, RuleDeflateCorrupt.Set()},
		{"text that is no UTF-8", string(deflated(t, []byte("\xff"), 9)), Deflate{On: true}, RuleUTF8Invalid.Set()},
		{"agreed not to build on others", builds, Deflate{On: true, ServerNoContextTakeover: true}, RuleDeflateCorrupt.Set()},
		{"reaches beyond the window", newCompressor(t).message(far + far), Deflate{On: true, ServerMaxWindowBits: 8}, RuleDeflateCorrupt.Set()},
	} {
		d := &Decoder{From: Server, Deflate: v.deflate}
		d.LoseContext()
		if got := decode(d, compressedFrames(OpText, true, v.message)); got[0].broken != v.want || d.ContextLost() {
			t.Errorf("%s: breaks %b, want %b; lost %v", v.name, got[0].broken, v.want, d.ContextLost())
		}
	}
	// And with all of the stream there, no context is missing.
	d := &Decoder{From: Server, Deflate: Deflate{On: true}}
	if got := decode(d, compressedFrames(OpText, true, builds)); got[0].broken != RuleDeflateCorrupt.Set() || d.ContextLost() {
		t.Errorf("from the beginning: breaks %b, lost %v", got[0].broken, d.ContextLost())
	}
}

// A decoder that has freed its memory between two frames continues with what needs
// none, and says of the remainder that it cannot be inflated.
func TestReleaseContext(t *testing.T) {
	c := newCompressor(t)
	const text = "the same words in each message, and many of them"
	one, two, alone := c.message(text), c.message(text), newCompressor(t).message(text)
	d := &Decoder{From: Server, Deflate: Deflate{On: true}}
	decode(d, compressedFrames(OpText, true, one))
	if d.ContextSize() < len(text) {
		t.Fatalf("a context of %d bytes is kept", d.ContextSize())
	}
	d.ReleaseContext()
	if d.ContextSize() != 0 || d.SwapInflater(nil) != nil {
		t.Error("something is held still")
	}
	if got := decode(d, compressedFrames(OpText, true, two)); got[0].broken != 0 || got[0].clear == text || !d.ContextLost() {
		t.Errorf("what builds on it: %+v", got[0])
	}
	if got := decode(d, compressedFrames(OpText, true, alone)); got[0].broken != 0 || got[0].clear != text || d.ContextLost() {
		t.Errorf("what builds on nothing: %+v", got[0])
	}
	decode(d, compressedFrames(OpText, false, alone[:9]))
	d.ReleaseContext()
	if got := decode(d, compressedFrames(OpContinuation, true, alone[9:])); got[0].broken != 0 || got[0].clear != "" || !d.ContextLost() {
		t.Errorf("the rest of a message: %+v", got[0])
	}
	if got := decode(d, compressedFrames(OpText, true, alone)); got[0].broken != 0 || got[0].clear != text || d.ContextLost() {
		t.Errorf("the message after it: %+v", got[0])
	}
	new(Decoder).ReleaseContext() // holds nothing
}

func TestInflateAllocatesNothing(t *testing.T) {
	wire := compressedFrames(OpText, true, newCompressor(t).message(strings.Repeat("words ", 100)))
	d := &Decoder{From: Server, Deflate: Deflate{On: true}}
	var out []byte
	d.Deflate.ServerNoContextTakeover = true
	if n := testing.AllocsPerRun(100, func() {
		ev, _ := d.Next(wire)
		out, _ = d.Inflate(out[:0], ev.Data)
	}); n != 0 || len(out) != 600 {
		t.Errorf("%v allocations a message of %d bytes", n, len(out))
	}
}

// TestInflateInParts: whatever bounds a call, the same comes of all calls together.
func TestInflateInParts(t *testing.T) {
	c := newCompressor(t)
	random := make([]byte, 3000)
	for i := range random {
		random[i] = byte(i*i>>3) ^ byte(i)
	}
	for _, text := range []string{"", "a", strings.Repeat("a", 100_000), strings.Repeat("words and words ", 3000), string(random), strings.Repeat("words and words ", 3000)} {
		wire := compressedFrames(OpBinary, true, c.message(text), OpBinary, true, string(deflated(t, []byte(text), flate.NoCompression)))
		for _, n := range []int{0, 1, 2, 100, 257, 258, 259, 4096, 1 << 20} {
			for _, limit := range []uint64{0, uint64(len(text)), uint64(len(text)) - 1} {
				d := &Decoder{From: Server, MaxMessageSize: limit, Deflate: Deflate{On: true, ServerNoContextTakeover: true}}
				var got []byte
				for rest := bytes.Clone(wire); len(rest) > 0; {
					ev, took := d.Next(rest)
					rest = rest[took:]
					p, more, broken := ev.Data, true, Rules(0)
					for clear := []byte(nil); more; {
						had := len(clear)
						clear, p, more, broken = d.InflatePart(clear, p, max(n, 1))
						if len(clear)-had > max(n, 1)+258 || limit != 0 && uint64(len(clear)) > limit {
							t.Fatalf("%d bytes came of a call bounded to %d, limit %d", len(clear)-had, n, limit)
						}
						if !more {
							got = append(got, clear...)
						}
					}
					if tooBig := limit != 0 && limit < uint64(len(text)); tooBig != broken.Has(RuleMessageTooBig) || broken&^RuleMessageTooBig.Set() != 0 {
						t.Fatalf("%d bytes, %d at once, limit %d: breaks %b", len(text), n, limit, broken)
					}
				}
				if (limit == 0 || limit >= uint64(len(text))) && string(got) != text+text {
					t.Fatalf("%d bytes, %d at once, limit %d: %d came", len(text), n, limit, len(got))
				}
			}
		}
		c = newCompressor(t)
	}
}

// What is kept of earlier messages reaches back a whole window, before it has been moved to the
// front and after.
func TestContextIsAWholeWindow(t *testing.T) {
	const window = 256
	for _, size := range []int{1, 7, 100, 255, 256, 257, 1000} {
		var f messageInflater
		var all []byte
		for i := range 2000 / size * 2 {
			p := bytes.Repeat([]byte{byte(i)}, size)
			p[0] = byte(i >> 8)
			all = append(all, p...)
			f.remember(p, window)
			if want := all[max(0, len(all)-window):]; !bytes.HasSuffix(f.context, want) {
				t.Fatalf("pieces of %d: after %d bytes the last %d are not all there", size, len(all), len(want))
			}
		}
	}
}
