// Text at the edges of UTF-8, cut everywhere.

package compare_test

import (
	"fmt"
	"iter"
	"testing"
)

// texts are the edges of UTF-8 (RFC 3629 3 and 4). wrong is the first byte that no
// text can have there; the length of the text when only its end is missing; -1
// when nothing is wrong.
var texts = []struct {
	name  string
	text  string
	wrong int
}{
	{"nothing", "", -1},
	{"all of ASCII that begins it", "\x00\x01\x1f ~\x7f", -1},
	{"U+0080, the first of two bytes", "a\xc2\x80b", -1},
	{"U+07FF, the last of two bytes", "a\xdf\xbfb", -1},
	{"U+0800, the first of three bytes", "a\xe0\xa0\x80b", -1},
	{"U+D7FF, before the surrogates", "a\xed\x9f\xbfb", -1},
	{"U+E000, behind the surrogates", "a\xee\x80\x80b", -1},
	{"U+FEFF, a byte order mark", "\xef\xbb\xbfb", -1},
	{"U+FFFD, the replacement character", "a\xef\xbf\xbdb", -1},
	{"U+FFFE, a noncharacter", "a\xef\xbf\xbeb", -1},
	{"U+FFFF, a noncharacter and the last of three bytes", "a\xef\xbf\xbfb", -1},
	{"U+FDD0, a noncharacter", "a\xef\xb7\x90b", -1},
	{"U+10000, the first of four bytes", "a\xf0\x90\x80\x80b", -1},
	{"U+1FFFE, a noncharacter", "a\xf0\x9f\xbf\xbeb", -1},
	{"U+10FFFF, the last character", "a\xf4\x8f\xbf\xbfb", -1},
	{"words of one to four bytes", "ab κόσμε € 𝄞", -1},

	{"a continuation byte alone, the first", "a\x80b", 1},
	{"a continuation byte alone, the last", "a\xbfb", 1},
	{"a continuation byte too many", "\xc2\x80\x80", 2},
	{"U+0000 in two bytes", "a\xc0\x80b", 1},
	{"U+007F in two bytes", "a\xc1\xbfb", 1},
	{"U+0000 in three bytes", "a\xe0\x80\x80b", 2},
	{"U+07FF in three bytes", "a\xe0\x9f\xbfb", 2},
	{"U+0000 in four bytes", "a\xf0\x80\x80\x80b", 2},
	{"U+FFFF in four bytes", "a\xf0\x8f\xbf\xbfb", 2},
	{"U+D800, the first surrogate", "a\xed\xa0\x80b", 2},
	{"U+DBFF and U+DC00, a pair of surrogates", "a\xed\xaf\xbf\xed\xb0\x80b", 2},
	{"U+DFFF, the last surrogate", "a\xed\xbf\xbfb", 2},
	{"U+110000, beyond the last", "a\xf4\x90\x80\x80b", 2},
	{"U+140000", "a\xf5\x80\x80\x80b", 1},
	{"five bytes", "a\xf8\x88\x80\x80\x80b", 1},
	{"six bytes", "a\xfc\x84\x80\x80\x80\x80b", 1},
	{"the byte FE", "a\xfeb", 1},
	{"the byte FF", "a\xffb", 1},
	{"two bytes, the second missing", "a\xc3(", 2},
	{"three bytes, the third missing", "a\xe2\x82(", 3},
	{"four bytes, the fourth missing", "a\xf0\x9d\x84(", 4},
	{"the first byte of one character, then another", "a\xe2\xc2\xa9", 2},

	{"the first of two bytes at the end", "a\xc3", 2},
	{"the first of three bytes at the end", "a\xe2", 2},
	{"two of three bytes at the end", "a\xe2\x82", 3},
	{"the first of four bytes at the end", "a\xf0", 2},
	{"three of four bytes at the end", "a\xf0\x9d\x84", 4},
}

// TestOracleKnowsTheTexts holds the oracle's grammar against the table.
func TestOracleKnowsTheTexts(t *testing.T) {
	for _, c := range texts {
		if utf8Possible([]byte(c.text), true) != (c.wrong < 0) {
			t.Errorf("%s: the oracle says otherwise", c.name)
		}
		for n := range len(c.text) + 1 {
			if utf8Possible([]byte(c.text[:n]), false) != (c.wrong < 0 || n <= c.wrong) {
				t.Errorf("%s: the oracle says otherwise of its first %d bytes", c.name, n)
			}
		}
	}
}

func TestTextCutIntoTwoFrames(t *testing.T) {
	compare(t, "UTF-8 at its edges, cut at every byte into two frames", func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for _, c := range texts {
				for at := range len(c.text) + 1 {
					wire := appendFrame(nil, r, text, c.text[:at])
					wire = appendFrame(wire, r, fin|continuation, c.text[at:])
					if !yield(exchange{name: fmt.Sprintf("%s, cut at %d", c.name, at), wire: wire}) {
						return
					}
				}
				if !yield(exchange{name: c.name, wire: appendFrame(nil, r, fin|text, c.text)}) {
					return
				}
			}
		}
	})
}

// TestTextFailsAtOnce shows how much of a text must have come before it is
// refused: of a frame that never ends, and of fragments of a byte, with pings
// between them, whose pongs tell how far the receiver came.
func TestTextFailsAtOnce(t *testing.T) {
	compare(t, "UTF-8 at its edges, refused at the very byte", func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for _, c := range texts {
				for n := range len(c.text) + 1 {
					wire := appendHeader(nil, fin|text, r == server, 0, 100)
					wire = appendPayload(wire, r == server, c.text[:n])
					if !yield(exchange{name: fmt.Sprintf("%s, the first %d bytes", c.name, n), wire: wire, cut: true}) {
						return
					}
				}
				wire := appendFrame(nil, r, text, "")
				for i := range len(c.text) {
					wire = appendFrame(wire, r, continuation, c.text[i:i+1])
					wire = appendFrame(wire, r, fin|ping, fmt.Sprint(i))
				}
				wire = appendFrame(wire, r, fin|continuation, "")
				if !yield(exchange{name: c.name + ", byte by byte", wire: wire}) {
					return
				}
			}
		}
	})
}

// TestTextInCloseReasons: the reason in a close frame is text too (RFC 6455 5.5.1).
func TestTextInCloseReasons(t *testing.T) {
	compare(t, "UTF-8 at its edges, as the reason in a close frame", func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for _, c := range texts {
				if !yield(exchange{name: c.name, wire: appendFrame(nil, r, fin|closing, closePayload(1000, c.text))}) {
					return
				}
			}
		}
	})
}
