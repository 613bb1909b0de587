// Every way to write a length, minimal or not, for every kind of frame.

package compare_test

import (
	"fmt"
	"iter"
	"testing"
)

// lengths are the boundaries of the forms, and of what a receiver takes.
var lengths = []uint64{
	0, 1, 2, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537,
	limit + 1, 1 << 31, 1 << 32, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<63 + 65536, 1<<64 - 1,
}

// most is up to which length the payload is really sent.
const most = 1 << 17

// fits reports whether a form has enough bytes for a length.
func fits(form int, length uint64) bool {
	return form == 8 || form == 2 && length < 1<<16 || form == 0 && length < 126
}

func TestEveryLengthEncoding(t *testing.T) {
	compare(t, "every form of a length at its boundaries, for each opcode", func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for _, op := range []byte{text, binaryData, continuation, closing, ping, pong} {
				for _, length := range lengths {
					for _, form := range []int{0, 2, 8} {
						if fits(form, length) && !yield(lengthCase(r, op, form, length)) {
							return
						}
					}
				}
			}
		}
	})
}

// lengthCase is a whole message, or control frame, with a length written in a form.
func lengthCase(r role, op byte, form int, length uint64) exchange {
	var wire []byte
	if op == continuation {
		wire = appendFrame(wire, r, binaryData, "begin")
	}
	wire = appendHeader(wire, fin|op, r == server, form, length)
	payload := ""
	if length <= most {
		payload = body(op, int(length))
	}
	wire = appendPayload(wire, r == server, payload)
	kind := map[byte]string{text: "text", binaryData: "binary", continuation: "continuation", closing: "close", ping: "ping", pong: "pong"}[op]
	return exchange{name: fmt.Sprintf("%s, length %d in %d bits", kind, length, map[int]int{0: 7, 2: 16, 8: 64}[form]), wire: wire}
}

// TestLimitOfSeveralFragments: no fragment is too big, but the message is.
func TestLimitOfSeveralFragments(t *testing.T) {
	compare(t, "a message of fragments that outgrows the limit", func(r role) iter.Seq[exchange] {
		return func(yield func(exchange) bool) {
			for _, rest := range []uint64{limit - 5, limit - 4, limit, limit + 1, 1<<63 - 1} {
				wire := appendFrame(nil, r, binaryData, "begin")
				wire = appendHeader(wire, fin|continuation, r == server, 8, rest)
				wire = appendPayload(wire, r == server, "")
				if !yield(exchange{name: fmt.Sprintf("5 bytes, then %d", rest), wire: wire, cut: true}) {
					return
				}
			}
		}
	})
}
