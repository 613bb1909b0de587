// What payloads may contain, by enumeration: every way of reading says what the standard
// library says, however a message is cut.

package protocol

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// Where the rules of UTF-8 change from one byte to the next: a letter, the ends of the ranges
// that second bytes have, a first byte of each kind, and one that is none. The texts of six
// bytes are made from fewer.
var (
	textBytes     = []byte("A\x80\x8f\x90\x9f\xa0\xa9\xbf\xc1\xc3\xe0\xe2\xed\xf0\xf4\xf5")
	longTextBytes = []byte("A\x80\xa9\xc3\xe2\xed\xf0")
)

// eachText goes through all texts of at most n such bytes, up to the byte that makes them
// wrong. bad is that byte, len(text) if only the end is wrong, -1 if nothing is.
func eachText(n int, alphabet []byte, try func(text []byte, bad int)) {
	var extend func(text []byte)
	extend = func(text []byte) {
		bad := -1
		switch {
		case !couldBecomeValid(text):
			bad = len(text) - 1
		case !utf8.Valid(text):
			bad = len(text)
		}
		try(text, bad)
		if len(text) == n || bad >= 0 && bad < len(text) {
			return
		}
		for _, b := range alphabet {
			extend(append(text[:len(text):len(text)], b))
		}
	}
	extend(nil)
}

// cut is what stands between two bytes of a message.
type cut uint8

const (
	uncut    cut = iota // nothing: they come together
	inPieces            // they come one after the other, in one frame
	inFrames            // they are in two frames
)

// eachCutting goes through all ways to cut n bytes.
func eachCutting(n int, kinds []cut, try func(cuts []cut)) {
	cuts := make([]cut, max(n-1, 0))
	var choose func(i int)
	choose = func(i int) {
		if i == len(cuts) {
			try(cuts)
			return
		}
		for _, cuts[i] = range kinds {
			choose(i + 1)
		}
	}
	choose(0)
}

// reader is a way to read the frames of one side.
type reader struct {
	name  string
	from  Side
	key   uint32 // of a client's frames
	kinds []cut
	read  func(d *Decoder, frame []byte, cuts []cut) Rules
}

const testKey = 0x37fa213d

// readers are all ways to read. The key of highest bits makes of ASCII what is none, and of
// what is none ASCII.
var readers = []reader{
	{"server's frames", Server, 0, []cut{uncut, inPieces, inFrames}, readPieces},
	{"client's frames", Client, testKey, []cut{uncut, inPieces, inFrames}, readPieces},
	{"captured server's frames", Server, 0, []cut{uncut, inFrames}, judgeFrame},
	{"captured client's frames", Client, testKey, []cut{uncut, inFrames}, judgeFrame},
	{"captured client's frames, key of highest bits", Client, 0x80808080, []cut{uncut, inFrames}, judgeFrame},
	{"captured server's frames, like those before", Server, 0, []cut{uncut, inFrames}, judgeSecond},
	{"captured client's frames, like those before", Client, testKey, []cut{uncut, inFrames}, judgeSecond},
}

// readPieces reads a frame with Next; its payload comes in pieces as the cuts say.
func readPieces(d *Decoder, frame []byte, cuts []cut) (broken Rules) {
	header := len(frame) - len(cuts) - 1
	from, inflated := 0, []byte(nil)
	for to := header; to <= len(frame); to++ {
		if to < len(frame) && (to == header || cuts[to-header-1] != inPieces) {
			continue
		}
		ev, n := d.Next(frame[from:to])
		from += n
		broken |= ev.Broken
		if n > 0 && d.Compressed() {
			var b Rules
			inflated, b = d.Inflate(inflated[:0], ev.Data)
			broken |= b
		}
	}
	return broken
}

// judgeFrame reads a frame as the inspector does.
func judgeFrame(d *Decoder, frame []byte, _ []cut) Rules {
	if _, ok := d.JudgeKnown(frame); ok {
		return 0
	}
	h, broken, _ := d.Judge(frame)
	if d.Compressed() {
		payload := append([]byte(nil), frame[h.Size():]...)
		Mask(h.MaskingKey, 0, payload)
		_, b := d.InflateSome(nil, payload, 1)
		broken |= b
	}
	return broken
}

// judgeSecond is judgeFrame, but before a first frame that is a whole message there is another
// like it.
func judgeSecond(d *Decoder, frame []byte, cuts []cut) Rules {
	if h, n := ParseHeader(frame); d.position == 0 && h.Fin && !h.Opcode.Control() && h.RSV == 0 {
		h.PayloadLength = 0
		d.Judge(AppendHeader(make([]byte, 0, n), h))
	}
	return judgeFrame(d, frame, cuts)
}

// message gives a reader a text in frames and pieces, and returns the byte that it calls
// wrong, -1 if none; other are the rules that it finds broken besides. before and behind are
// what the payload has around the text.
func (r reader) message(d *Decoder, rsv uint8, before, text, behind string, cuts []cut) (bad int, other Rules) {
	bad = -1
	var buf [64]byte
	h := Header{Opcode: OpText, RSV: rsv, Masked: r.from == Client, MaskingKey: r.key}
	for from, to := 0, 1; !h.Fin; to++ {
		if to < len(text) && cuts[to-1] != inFrames {
			continue
		}
		to = min(to, len(text))
		h.Fin = to == len(text)
		payload := before + text[from:to]
		inside := cuts[from:max(from, to-1)]
		if h.Fin {
			payload += behind
		}
		h.PayloadLength = uint64(len(payload))
		wire := append(AppendHeader(buf[:0], h), payload...)
		Mask(r.key, 0, wire[len(wire)-len(payload):])
		if len(payload) > len(inside)+1 { // what is around the text comes with its ends
			inside = append(append(make([]cut, len(before)), inside...), make([]cut, len(payload)-len(before)-len(inside)-1)...)
		}
		broken := r.read(d, wire, inside)
		if bad < 0 && broken.Has(RuleUTF8Invalid) { // a message is reported as invalid once
			bad = from + int(d.Seen(RuleUTF8Invalid))
			broken &^= RuleUTF8Invalid.Set()
		}
		other |= broken
		h.Opcode, h.RSV, before, from = OpContinuation, 0, "", to
	}
	return bad, other
}

// RFC 6455 8.1, 5.4: a text is judged as a whole, however it is cut into frames and pieces.
func TestEveryText(t *testing.T) {
	for _, r := range readers {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			var d Decoder
			try := func(text []byte, want int) {
				eachCutting(len(text), r.kinds, func(cuts []cut) {
					d = Decoder{From: r.from}
					if bad, other := r.message(&d, 0, "", string(text), "", cuts); bad != want || other != 0 {
						t.Fatalf("% x cut %v: wrong from byte %d on, want %d; besides it breaks %b", text, cuts, bad, want, other)
					}
				})
			}
			eachText(4, textBytes, try)
			eachText(6, longTextBytes, try)
		})
	}
}

// RFC 7692 6: so is one that came compressed, here in a stored block.
func TestEveryCompressedText(t *testing.T) {
	for _, r := range readers {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			d := Decoder{From: r.from, Deflate: Deflate{On: true}}
			eachText(4, longTextBytes, func(text []byte, want int) {
				block := []byte{0, byte(len(text)), 0, ^byte(len(text)), 0xFF}
				eachCutting(len(text), r.kinds, func(cuts []cut) {
					d.LoseContext()
					if bad, other := r.message(&d, RSV1, string(block), string(text), "\x00", cuts); bad != want || other != 0 {
						t.Fatalf("% x cut %v: wrong from byte %d on, want %d; besides it breaks %b", text, cuts, bad, want, other)
					}
				})
			})
		})
	}
}

// RFC 6455 5.5.1, 7.4: close payloads of every code, and of every reason.
func TestEveryClosePayload(t *testing.T) {
	for _, r := range readers {
		try := func(payload []byte, want Rules) {
			t.Helper()
			h := Header{Fin: true, Opcode: OpClose, PayloadLength: uint64(len(payload)), Masked: r.from == Client, MaskingKey: r.key}
			for _, kind := range r.kinds[:2] { // all at once, and byte by byte
				wire := append(AppendHeader(nil, h), payload...)
				Mask(r.key, 0, wire[h.Size():])
				d := Decoder{From: r.from}
				if broken := r.read(&d, wire, slices.Repeat([]cut{kind}, max(0, len(payload)-1))); broken != want {
					t.Fatalf("%s: % x breaks %b, want %b", r.name, payload, broken, want)
				}
			}
		}
		try(nil, 0)
		try([]byte{3}, RuleCloseLengthOne.Set())
		for code := range 1 << 16 {
			want := RuleCloseCodeInvalid.Set()
			if code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006 || code >= 3000 && code < 5000 {
				want = 0
			}
			try([]byte{byte(code >> 8), byte(code)}, want)
		}
		eachText(4, textBytes, func(text []byte, bad int) {
			want := Rules(0)
			if bad >= 0 {
				want = RuleCloseReasonUTF8.Set()
			}
			try(append([]byte{3, 0xe8}, text...), want)
		})
	}
}
