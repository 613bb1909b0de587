// Judge says of a captured frame what Next says of one that is read.

package protocol

import (
	"bytes"
	"testing"
)

// sameVerdicts reads the whole frames that wire begins with in both ways. They must say the
// same of each, and leave the decoder in the same state.
func sameVerdicts(t *testing.T, start Decoder, wire []byte) {
	t.Helper()
	read, judged := start, start
	for rest := wire; len(rest) > 0; {
		h, n := ParseHeader(rest)
		if n == 0 || uint64(len(rest)-n) < h.PayloadLength {
			break
		}
		frame := rest[:n+int(h.PayloadLength)]
		rest = rest[len(frame):]
		want := decode(&read, frame)
		before := string(frame)
		gotHeader, got, ok := &judged.header, Rules(0), true
		if _, known := judged.JudgeKnown(frame); !known {
			gotHeader, got, ok = judged.Judge(frame)
		}
		if judged.Compressed() {
			payload := bytes.Clone(frame[n:])
			if h.Masked {
				Mask(h.MaskingKey, 0, payload)
			}
			out, broken := judged.Inflate(nil, payload)
			if got |= broken; string(out) != want[0].clear {
				t.Fatalf("%v: % x inflates to %q, read: %q", start.From, frame, out, want[0].clear)
			}
		}
		if !ok || *gotHeader != h || got != want[0].broken || string(frame) != before {
			t.Fatalf("%v: % x in % x judged %b, read %b", start.From, frame, wire, got, want[0].broken)
		}
		if got != 0 && judged.Breach() != read.Breach() && len(want) == 1 && want[0].header.PayloadLength <= MaxControlPayload {
			t.Fatalf("%v: % x judged %v, read %v", start.From, frame, judged.Breach(), read.Breach())
		}
	}
	read.broken, read.seen, judged.broken, judged.seen, judged.known = 0, 0, 0, 0, 0
	read.deflate, judged.deflate = nil, nil
	if read != judged {
		t.Fatalf("after % x: judged %+v, read %+v", wire, judged, read)
	}
}

// Any frame after any other, of which the first came twice: that is what a frame like the last
// one is told by.
func TestJudgeAfterAnyFrame(t *testing.T) {
	var wires [][]byte
	for _, v := range vectors {
		if wire := v.wire(t); len(wire) < 400 {
			wires = append(wires, wire)
		}
	}
	for _, text := range []string{"", "abc", "\xc3\xbc", "\xc3", "abcdefgh\xff", string(bytes.Repeat([]byte("a"), 101))} {
		wire := frames(OpText, true, text)
		wires = append(wires, wire, frames(OpText, false, text), frames(OpContinuation, true, text))
		masked := AppendHeader(nil, Header{Fin: true, Opcode: OpText, Masked: true, MaskingKey: testKey, PayloadLength: uint64(len(text))})
		masked = append(masked, text...)
		Mask(testKey, 0, masked[len(masked)-len(text):])
		wires = append(wires, masked)
	}
	for _, start := range starts {
		for _, a := range wires {
			for _, b := range wires {
				sameVerdicts(t, start, bytes.Join([][]byte{a, a, b, a}, nil))
			}
		}
	}
}

// Known is what broke nothing between two messages.
func TestJudgeKnown(t *testing.T) {
	text, ping := frames(OpText, true, "abc"), frames(OpPing, true, "")
	for _, c := range []struct {
		name   string
		before func(d *Decoder)
		frame  []byte
		want   bool
	}{
		{"the same", func(d *Decoder) { d.Judge(text) }, text, true},
		{"longer", func(d *Decoder) { d.Judge(text) }, frames(OpText, true, string(make([]byte, 125))), true},
		{"length in more bytes", func(d *Decoder) { d.Judge(text) }, frames(OpText, true, string(make([]byte, 126))), false},
		{"too big", func(d *Decoder) { d.Judge(text); d.MaxMessageSize = 2 }, text, false},
		{"not ASCII", func(d *Decoder) { d.Judge(text) }, frames(OpText, true, "\u00fc\u00fc"), true},
		{"no text", func(d *Decoder) { d.Judge(text) }, frames(OpText, true, "abcdefgh\xff"), false},
		{"half a character", func(d *Decoder) { d.Judge(text) }, frames(OpText, true, "abcdefgh\xc3"), false},
		{"another opcode", func(d *Decoder) { d.Judge(text) }, frames(OpBinary, true, "abc"), false},
		{"a fragment", func(d *Decoder) { d.Judge(text) }, frames(OpText, false, "abc"), false},
		{"a continuation", func(d *Decoder) { d.Judge(text) }, frames(OpContinuation, false, "abc"), false},
		{"with RSV1", func(d *Decoder) { d.Judge(text) }, []byte("\xc1\x01a"), false},
		{"masked", func(d *Decoder) { d.Judge(text) }, []byte("\x81\x81\x00\x00\x00\x00a"), false},
		{"cut short", func(d *Decoder) { d.Judge(text) }, text[:4], false},
		{"after one cut short", func(d *Decoder) { d.Judge(text[:4]) }, text, true},
		{"after a gap", func(d *Decoder) { d.Judge(text); d.Gap() }, text, false},
		{"after a ping", func(d *Decoder) { d.Judge(text); d.Judge(ping) }, text, true},
		{"a continuation once unsure", func(d *Decoder) { d.Gap(); d.Judge(frames(OpContinuation, true, "")) }, frames(OpContinuation, true, ""), false},
		{"ping", func(d *Decoder) { d.Judge(ping); d.Judge(text) }, ping, true},
		{"ping after a close", func(d *Decoder) { d.Judge(ping); d.Judge(frames(OpClose, true, "")) }, ping, false},
		{"within a message", func(d *Decoder) { d.Judge(text); d.Next(frames(OpText, false, "a")) }, text, false},
		{"after a wrong one", func(d *Decoder) { d.Judge(frames(OpText, true, "\xff")) }, text, true},
		{"the first", func(d *Decoder) {}, text, false},
	} {
		d := Decoder{From: Server}
		c.before(&d)
		at := d.position
		if _, got := d.JudgeKnown(c.frame); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		} else if moved := d.position != at; moved != c.want {
			t.Errorf("%s: moved on: %v", c.name, moved)
		}
		if c.want && d.broken != 0 {
			t.Errorf("%s: breaks %b", c.name, d.broken)
		}
	}
}

// FuzzJudge: a frame judged in place gets the verdict of one that is read, and
// leaves the decoder in the same state.
func FuzzJudge(f *testing.F) {
	for _, v := range vectors {
		if wire := v.wire(f); len(wire) < 400 {
			f.Add(wire)
		}
	}
	f.Add(frames(OpText, false, "Hel", OpPing, true, "x", OpContinuation, true, "lo"))
	f.Add(frames(OpText, false, "\xe2\x82", OpContinuation, true, "\xac ASCII again", OpClose, true, "\x03\xe8", OpText, true, "a"))
	f.Add(frames(OpText, true, "Hello", OpText, true, "W\xc3\xb6rld", OpText, true, "Hello", OpText, true, "World\xff"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, start := range starts {
			sameVerdicts(t, start, wire)
		}
	})
}

// RFC 6455 5.5: a control frame may carry 125 bytes, which come in one piece, and no more.
func TestLongestControlFrame(t *testing.T) {
	for _, op := range []Opcode{OpClose, OpPing, OpPong} {
		payload := "\x03\xe8" + string(bytes.Repeat([]byte("a"), 124))
		longest, tooLong := frames(op, true, payload[:125]), frames(op, true, payload)
		d := Decoder{From: Server}
		if _, n := d.Next(longest[:len(longest)-1]); n != 0 {
			t.Errorf("%v of 125 bytes came in parts", op)
		}
		if ev, n := d.Next(bytes.Clone(longest)); n != len(longest) || ev.Broken != 0 || !ev.End {
			t.Errorf("%v of 125 bytes: %+v", op, ev)
		}
		d = Decoder{From: Server}
		if _, broken, _ := d.Judge(longest); broken != 0 {
			t.Errorf("%v of 125 bytes judged %b", op, broken)
		}
		d = Decoder{From: Server}
		if ev, _ := d.Next(tooLong); ev.Broken != RuleControlTooLong.Set() {
			t.Errorf("%v of 126 bytes breaks %b", op, ev.Broken)
		}
	}
}
