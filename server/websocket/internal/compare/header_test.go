// Every first two bytes that a frame can have, and every close code.

package compare_test

import (
	"iter"
	"strings"
	"testing"
)

// body makes a payload of n bytes that is legal for the opcode, if any can be.
func body(op byte, n int) string {
	if op == closing && n >= 2 {
		return closePayload(1000, strings.Repeat("r", n-2))
	}
	return strings.Repeat("b", n)
}

// appendWhole appends a frame that begins with the two bytes: lengths of 126 and
// 127 get the smallest one that they may stand for.
func appendWhole(b []byte, first, second byte) []byte {
	form, n := 0, int(second&^mask)
	switch n {
	case 126:
		form = 2
	case 127:
		form, n = 8, 1<<16
	}
	b = appendHeader(b, first, second&mask != 0, form, uint64(n))
	return appendPayload(b, second&mask != 0, body(first&15, n))
}

func TestEveryFirstTwoBytes(t *testing.T) {
	compare(t, "every first two bytes of a frame, as the first frame", sampled(func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for bits := range 1 << 16 {
				first, second := byte(bits>>8), byte(bits)
				wire := appendWhole(nil, first, second)
				if first&fin == 0 {
					wire = appendFrame(wire, r, fin|continuation, "end")
				}
				if !yield(exchange{wire: wire}) {
					return
				}
			}
		}
	}))
}

func TestEveryFirstByteInsideAMessage(t *testing.T) {
	compare(t, "every first byte, inside a message", sampled(func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for first := range 256 {
				for _, second := range []byte{0, 1, 125, 126, 127, mask, mask | 1, mask | 125, mask | 126, mask | 127} {
					wire := appendFrame(nil, r, text, "begin")
					wire = appendWhole(wire, byte(first), second)
					wire = appendFrame(wire, r, fin|continuation, "end")
					if !yield(exchange{wire: wire}) {
						return
					}
				}
			}
		}
	}))
}

func TestEveryCloseCode(t *testing.T) {
	compare(t, "every close code, 0 to 65535", sampled(func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for code := range 1 << 16 {
				if !yield(exchange{wire: appendFrame(nil, r, fin|closing, closePayload(code, ""))}) {
					return
				}
			}
		}
	}))
}
