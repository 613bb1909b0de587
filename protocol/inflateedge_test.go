// Edges of inflating: messages that end too early, limits that are met inside a stored block, and
// codes that do not exist.

package protocol

import (
	"strings"
	"testing"
)

// bitWriter writes DEFLATE by hand (RFC 1951 3.1.1).
type bitWriter struct {
	out []byte
	n   int // bits of the last byte
}

// bits appends the n lowest bits of v, the lowest first.
func (w *bitWriter) bits(v, n int) {
	for ; n > 0; n-- {
		if w.n%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[len(w.out)-1] |= byte(v&1) << (w.n % 8)
		w.n++
		v >>= 1
	}
}

// code appends a Huffman code, whose highest bit comes first.
func (w *bitWriter) code(v, n int) {
	for ; n > 0; n-- {
		w.bits(v>>(n-1), 1)
	}
}

// letters appends a block with fixed codes of letters.
func (w *bitWriter) letters(s string) {
	w.bits(0b010, 3)
	for _, c := range []byte(s) {
		w.code(0x30+int(c), 8)
	}
	w.code(0, 7)
}

// stored appends a stored block of which some bytes may be missing.
func (w *bitWriter) stored(s string, missing, final int) {
	w.bits(final, 3)
	w.n = 8 * len(w.out)
	n := len(s) + missing
	w.out = append(w.out, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
	w.out = append(w.out, s...)
	w.n = 8 * len(w.out)
}

// TestMessageEndsInABlock: the four bytes that the sender leaves out (RFC 7692 7.2.2) are no data of a
// block that has begun, also if it lacks just as many.
func TestMessageEndsInABlock(t *testing.T) {
	for missing := 1; missing < 10; missing++ {
		for final := range 2 {
			var w bitWriter
			w.stored("abcd", missing, final)
			if _, v := inflateAll(w.out, 100, 100); v != inflateCorrupt {
				t.Errorf("stored block of %d bytes, 4 are there, BFINAL %d: verdict %d", 4+missing, final, v)
			}
		}
	}
}

// TestBytesLeftOver compares messages of two bytes with the standard library: those that end in the
// header of a block are among them.
func TestBytesLeftOver(t *testing.T) {
	for i := 0; i < 1<<16; i += 13 {
		wire := []byte{byte(i), byte(i >> 8)}
		out, v := inflateAll(wire, 2, 100)
		want, err := standardInflate(wire, 100)
		if (v == inflateMore) != (err == nil) || err == nil && string(out) != string(want) {
			t.Errorf("% x: %q, verdict %d; the standard library %q, %v", wire, out, v, want, err)
		}
	}
}

// TestLimitInAStoredBlock: also where the last bytes of the input have been read ahead.
func TestLimitInAStoredBlock(t *testing.T) {
	for letters := range 20 {
		for bytes := 1; bytes < 10; bytes++ {
			var w bitWriter
			w.letters(strings.Repeat("a", letters))
			w.stored(strings.Repeat("b", bytes), 0, 0)
			w.out = append(w.out, 0) // the empty block
			whole := strings.Repeat("a", letters) + strings.Repeat("b", bytes)
			for piece := 1; piece <= len(w.out); piece++ {
				out, v := inflateAll(w.out, piece, len(whole))
				if v == inflateMore && string(out) != whole || v != inflateMore {
					t.Fatalf("%d letters, %d bytes, pieces of %d: %q, verdict %d", letters, bytes, piece, out, v)
				}
				if out, v = inflateAll(w.out, piece, len(whole)-1); v != inflateFull || string(out) != whole[:len(whole)-1] {
					t.Fatalf("%d letters, %d bytes, pieces of %d, limit %d: %q, verdict %d", letters, bytes, piece, len(whole)-1, out, v)
				}
			}
		}
	}
}

// TestCodeThatDoesNotExist is corrupt whatever the context is.
func TestCodeThatDoesNotExist(t *testing.T) {
	var w bitWriter
	w.bits(0b010, 3)
	w.code(0x30+'a', 8)
	w.code(1, 7)  // length 3
	w.code(30, 5) // a distance that is not defined
	w.bits(0, 32)
	d := Decoder{From: Server, Deflate: Deflate{On: true}}
	d.LoseContext()
	ev, _ := d.Next(append([]byte{0xC2, byte(len(w.out))}, w.out...))
	if _, broken := d.Inflate(nil, ev.Data); broken != RuleDeflateCorrupt.Set() || d.ContextLost() {
		t.Errorf("breaks %b, context lost %v", broken, d.ContextLost())
	}
}

// TestSmallLimitOfStoredMessages: a message that is stored takes a few bytes more than it inflates to.
func TestSmallLimitOfStoredMessages(t *testing.T) {
	for limit := 1; limit < 20; limit++ {
		var w bitWriter
		w.stored(strings.Repeat("x", limit), 0, 0)
		w.out = append(w.out, 0) // the empty block
		d := Decoder{From: Server, MaxMessageSize: uint64(limit), Deflate: Deflate{On: true}}
		ev, _ := d.Next(append([]byte{0xC2, byte(len(w.out))}, w.out...))
		out, broken := d.Inflate(nil, ev.Data)
		if broken |= ev.Broken; broken != 0 || len(out) != limit {
			t.Errorf("%d stored bytes, which is the limit: breaks %b, %d bytes", limit, broken, len(out))
		}
	}
}

// TestLiteralsComeAtOnce: each as soon as its last bit is there, which may be the last of a byte.
func TestLiteralsComeAtOnce(t *testing.T) {
	var w bitWriter
	w.bits(0b010, 3)
	var ends []int // in bits
	for i := range 16 {
		if i%3 == 0 {
			w.code(0x30+'a', 8)
		} else {
			w.code(0x190+200-144, 9)
		}
		ends = append(ends, w.n)
	}
	z, context := new(Inflater), []byte(nil)
	for i := range w.out[:len(w.out)-1] {
		out, _, v := z.inflate(nil, context, w.out[i:i+1], 1<<maxWindowBits, 100)
		context = append(context, out...)
		want := 0
		for want < len(ends) && ends[want] <= 8*(i+1) {
			want++
		}
		if len(context) != want || v != inflateMore {
			t.Errorf("%d bytes inflate to %d, want %d; verdict %d", i+1, len(context), want, v)
		}
	}
}

// TestCopiesComeAtOnce: a copy whose last bit is the last of the input.
func TestCopiesComeAtOnce(t *testing.T) {
	for letters := range 8 {
		for extra := range 8 { // bits of the distance, by which the copy's end moves
			var w bitWriter
			w.bits(0b010, 3)
			for range letters + 1 {
				w.code(0x190+200-144, 9)
			}
			for range 200 {
				w.code(0x30+'a', 8)
			}
			before := letters + 201
			w.code(1, 7)         // length 3
			w.code(2*extra+2, 5) // the distance 2<<extra + 1, which has extra bits
			w.bits(0, extra)
			if distance := 2<<extra + 1; distance > before || w.n%8 != 0 {
				continue
			}
			if out, _, v := new(Inflater).inflate(nil, nil, w.out, 1<<maxWindowBits, 1000); len(out) != before+3 || v != inflateMore {
				t.Errorf("%d letters, %d extra bits: %d bytes, want %d; verdict %d", letters, extra, len(out), before+3, v)
			}
		}
	}
}

// TestInflateSomeAppends: what is there already does not count.
func TestInflateSomeAppends(t *testing.T) {
	payload := deflated(t, []byte("Hello, world"), 9)
	d := Decoder{From: Server, Deflate: Deflate{On: true}}
	ev, _ := d.Next(append([]byte{0xC1, byte(len(payload))}, payload...))
	if out, broken := d.InflateSome([]byte("> "), ev.Data, 5); string(out) != "> Hello" || broken != 0 || d.Inflated() != 12 {
		t.Errorf("%q of %d bytes, breaks %b", out, d.Inflated(), broken)
	}
}
