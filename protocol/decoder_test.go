// The decoder: verdicts, state across frames, and that no split changes anything.

package protocol

import (
	"bytes"
	"slices"
	"testing"
)

// frameSeen is a frame put together from its events.
type frameSeen struct {
	header  Header
	payload string
	clear   string // what a compressed one inflates to
	broken  Rules
	ended   bool
}

// decode runs wire through a decoder in pieces that end at the given places.
func decode(d *Decoder, wire []byte, cuts ...int) (frames []frameSeen) {
	var pending []byte
	wire = bytes.Clone(wire)
	cuts = append(cuts, len(wire))
	from := 0
	for _, to := range cuts {
		pending = append(pending, wire[from:to]...)
		from = to
		for {
			ev, n := d.Next(pending)
			if n == 0 {
				break
			}
			if ev.Start {
				frames = append(frames, frameSeen{header: d.Header()})
			}
			last := &frames[len(frames)-1]
			last.payload += string(ev.Data)
			last.broken |= ev.Broken
			if d.Compressed() {
				out, broken := d.Inflate(nil, ev.Data)
				last.clear += string(out)
				last.broken |= broken
			}
			last.ended = ev.End
			pending = pending[n:]
		}
	}
	return frames
}

func TestDecoderVectors(t *testing.T) {
	broken := Rules(0)
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			wire := v.wire(t)
			newDecoder := func() *Decoder {
				return &Decoder{From: v.from, MaxMessageSize: testLimit, Deflate: Deflate{On: v.deflate}}
			}
			whole := decode(newDecoder(), wire)
			if len(whole) != 1 || whole[0].header != v.header || whole[0].broken != v.broken {
				t.Fatalf("decoded %+v, want %+v breaking %b", whole, v.header, v.broken)
			}
			if rule, ok := v.broken.First(); ok && rule.CloseCode() != v.close {
				t.Errorf("%v earns %v, want %v", rule, rule.CloseCode(), v.close)
			}
			for cut := range min(len(wire), 300) {
				if got := decode(newDecoder(), wire, cut); !slices.Equal(got, whole) {
					t.Fatalf("cut at %d: %+v, whole: %+v", cut, got, whole)
				}
			}
		})
		broken |= v.broken
	}
	// The two rules that one frame alone cannot break have tests below.
	broken |= RuleContinuationExpected.Set() | RuleFrameAfterClose.Set()
	for r := range RuleCount {
		if !broken.Has(r) {
			t.Errorf("no vector breaks %v", r)
		}
	}
}

// frames builds what a server would send.
func frames(parts ...any) (wire []byte) {
	for i := 0; i < len(parts); i += 3 {
		payload := []byte(parts[i+2].(string))
		wire = AppendHeader(wire, Header{
			Opcode: parts[i].(Opcode), Fin: parts[i+1].(bool), PayloadLength: uint64(len(payload)),
		})
		wire = append(wire, payload...)
	}
	return wire
}

func TestDecoderSequences(t *testing.T) {
	for _, c := range []struct {
		name string
		wire []byte
		want []Rules
	}{
		{"fragments with a ping between", frames(OpText, false, "Hel", OpPing, true, "x", OpContinuation, true, "lo"), []Rules{0, 0, 0}},
		{"character cut by the fragments", frames(OpText, false, "\xe2\x82", OpContinuation, false, "", OpContinuation, true, "\xac"), []Rules{0, 0, 0}},
		{"bad byte in the second fragment", frames(OpText, false, "\xe2", OpContinuation, true, "a"), []Rules{0, RuleUTF8Invalid.Set()}},
		{"told once a message", frames(OpText, false, "\xff", OpContinuation, true, "\xff", OpText, true, "ok"), []Rules{RuleUTF8Invalid.Set(), 0, 0}},
		{"text ends inside a character", frames(OpText, false, "a", OpContinuation, true, "\xf0\x9f"), []Rules{0, RuleUTF8Invalid.Set()}},
		{"binary is not judged as text", frames(OpBinary, false, "\xff", OpContinuation, true, "\xff"), []Rules{0, 0}},
		{"new message inside another", frames(OpText, false, "a", OpText, true, "b", OpText, true, "c"), []Rules{0, RuleContinuationExpected.Set(), 0}},
		{"data after close", frames(OpClose, true, "\x03\xe8", OpText, true, "late"), []Rules{0, RuleFrameAfterClose.Set()}},
		{"pong after close", frames(OpClose, true, "", OpPong, true, ""), []Rules{0, 0}},
		{"close after close", frames(OpClose, true, "", OpClose, true, ""), []Rules{0, RuleFrameAfterClose.Set()}},
		{"fragments over the limit", frames(OpBinary, false, "123456", OpContinuation, true, "12345"), []Rules{0, RuleMessageTooBig.Set()}},
		{"exactly the limit", frames(OpBinary, false, "12345", OpContinuation, true, "12345"), []Rules{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			newDecoder := func() *Decoder { return &Decoder{From: Server, MaxMessageSize: 10} }
			whole := decode(newDecoder(), c.wire)
			var got []Rules
			for _, f := range whole {
				got = append(got, f.broken)
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("breaks %b, want %b", got, c.want)
			}
			for a := range c.wire {
				for b := a; b < len(c.wire); b++ {
					if got := decode(newDecoder(), c.wire, a, b); !slices.Equal(got, whole) {
						t.Fatalf("cut at %d and %d: %+v, whole: %+v", a, b, got, whole)
					}
				}
			}
		})
	}
}

func TestDecoderFailsFast(t *testing.T) {
	d := &Decoder{From: Server, MaxMessageSize: 10}
	header := AppendHeader(nil, Header{Fin: true, Opcode: OpBinary, PayloadLength: 11})
	if ev, _ := d.Next(header); !ev.Broken.Has(RuleMessageTooBig) {
		t.Error("a message too big is not noticed at its header")
	}
	d = &Decoder{From: Server}
	wire := frames(OpText, true, "abc\xffdef")
	if ev, _ := d.Next(wire[:6]); !ev.Broken.Has(RuleUTF8Invalid) || ev.End {
		t.Error("bad UTF-8 is not noticed before the frame ends")
	} else if got, want := d.Breach().Error(), "protocol: text is not valid UTF-8 from byte 3 of the frame's payload on (RFC 6455 8.1)"; got != want {
		t.Errorf("breach says %q, want %q", got, want)
	}
	d = &Decoder{From: Client}
	ping := AppendHeader(nil, Header{Fin: true, Opcode: OpPing, Masked: true, PayloadLength: 5})
	if _, n := d.Next(append(ping, 1, 2)); n != 0 {
		t.Error("a control frame came in parts")
	}
}

func TestDecoderAfterAGap(t *testing.T) {
	d := &Decoder{From: Server}
	decode(d, frames(OpText, false, "\xe2"))
	d.Gap()
	for i, f := range decode(d, frames(OpContinuation, false, "\xff", OpContinuation, true, "\xff", OpText, true, "\xff")) {
		if want := i == 2; f.broken.Has(RuleUTF8Invalid) != want || f.broken&^RuleUTF8Invalid.Set() != 0 {
			t.Errorf("frame %d after a gap breaks %b", i, f.broken)
		}
	}
}

func TestDecoderSkip(t *testing.T) {
	d := &Decoder{From: Server}
	wire := frames(OpText, false, "abcdef")
	d.Next(wire[:5])
	if d.Pending() != 3 {
		t.Fatalf("%d bytes pending, want 3", d.Pending())
	}
	d.Skip(3)
	got := decode(d, frames(OpContinuation, true, "\xff", OpText, true, "\xff"))
	if len(got) != 2 || got[0].broken != 0 || got[1].broken != RuleUTF8Invalid.Set() {
		t.Errorf("after a skip: %+v", got)
	}
}

func TestDecoderAllocatesNothing(t *testing.T) {
	wire := AppendHeader(nil, Header{Fin: true, Opcode: OpText, Masked: true, PayloadLength: 125})
	wire = append(wire, bytes.Repeat([]byte("a"), 125)...)
	var d Decoder
	if n := testing.AllocsPerRun(100, func() { d.Next(wire) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// starts are the decoders that every stream is given to.
var starts = []Decoder{
	{From: Client, MaxMessageSize: 100},
	{From: Server, MaxMessageSize: 100},
	{From: Client, MaxMessageSize: 100, Deflate: Deflate{On: true, ClientNoContextTakeover: true}},
	{From: Server, MaxMessageSize: 100, Deflate: Deflate{On: true, ServerMaxWindowBits: 8}},
}

func FuzzDecoderSplits(f *testing.F) {
	for _, v := range vectors {
		if wire := v.wire(f); len(wire) < 400 {
			f.Add(wire, 3, 9)
		}
	}
	f.Add(frames(OpText, false, "Hel", OpPing, true, "x", OpContinuation, true, "lo"), 1, 6)
	f.Add([]byte("\x41\x03\xf2\x48\xcd\x89\x01x\x80\x04\xc9\xc9\x07\x00\xc1\x04\xf2\x00\x11\x00"), 5, 9) // compressed, with context
	f.Add([]byte("\xc1\x05\xf2\x00\x11\x00\x00\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"), 4, 9)      // without its context
	f.Fuzz(func(t *testing.T, wire []byte, a, b int) {
		if len(wire) == 0 || a < 0 || b < 0 {
			return
		}
		a, b = a%len(wire), b%len(wire)
		for _, start := range starts {
			for _, midway := range []bool{false, true} {
				read := func(cuts ...int) []frameSeen {
					d := start
					if midway {
						d.LoseContext()
					}
					return decode(&d, wire, cuts...)
				}
				whole := read()
				if got := read(min(a, b), max(a, b)); !slices.Equal(got, whole) {
					t.Fatalf("%+v, midway %v, cut at %d and %d: %+v, whole: %+v", start, midway, a, b, got, whole)
				}
			}
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	for _, masked := range []bool{false, true} {
		name := map[bool]string{false: "text125", true: "text125-masked"}[masked]
		b.Run(name, func(b *testing.B) {
			d := Decoder{From: Server}
			if masked {
				d.From = Client
			}
			wire := AppendHeader(nil, Header{Fin: true, Opcode: OpText, Masked: masked, PayloadLength: 125})
			wire = append(wire, bytes.Repeat([]byte("a"), 125)...)
			b.SetBytes(int64(len(wire)))
			b.ReportAllocs()
			for b.Loop() {
				d.Next(wire)
			}
		})
	}
}
