// Long messages, many messages, and the limit on a message.

package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"framescope/protocol"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// fullSize is the largest message that an endpoint accepts by default.
const fullSize = 16 * mib

// longText and longBinary are cut to the size wanted. No length of the text's
// lines divides a buffer, so that characters lie across every boundary.
var (
	longText   = strings.Repeat("Blåbærgrød — 苺のおかゆ 🫐, noch einmal.\n", fullSize/50)[:fullSize]
	longBinary = func() string {
		b := make([]byte, fullSize)
		rand.NewChaCha8([32]byte{1}).Read(b)
		return string(b)
	}()
)

// textOf is a text of exactly n bytes, its last character whole.
func textOf(n int) frame {
	s := strings.ToValidUTF8(longText[:n], "")
	return text(s + strings.Repeat(".", n-len(s)))
}

func binaryOf(n int) frame { return binary(longBinary[:n]) }

// ofBoth is a case for a text and for a binary message of n bytes.
func ofBoth(n int, make func(kind string, m frame) testCase) []testCase {
	return []testCase{make("text", textOf(n)), make("binary", binaryOf(n))}
}

// longMessages: in one frame.
func longMessages() (cases []testCase) {
	sizes := []int{64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, fullSize}
	if !full {
		sizes = []int{64 * kib, mib}
	}
	for _, n := range sizes {
		cases = append(cases, ofBoth(n, func(kind string, m frame) testCase {
			return legal(fmt.Sprintf("%s of %d KiB", kind, n/kib), []frame{m}, m)
		})...)
	}
	return cases
}

// longMessagesInFragments: of one size each.
func longMessagesInFragments() (cases []testCase) {
	size := 4 * mib
	if !full {
		size = 64 * kib
	}
	for n := 64; n <= size; n *= 4 {
		cases = append(cases, ofBoth(size, func(kind string, m frame) testCase {
			return legal(fmt.Sprintf("%s of %d KiB in fragments of %d bytes", kind, size/kib, n), split(m, n), m)
		})...)
	}
	if full {
		m := textOf(fullSize)
		cases = append(cases, legal("text of 16 MiB in fragments of 1 MiB", split(m, mib), m))
	}
	return cases
}

// longMessagesInPieces: in one frame, which comes in writes of a few bytes.
func longMessagesInPieces() (cases []testCase) {
	size := mib
	if !full {
		size = 64 * kib
	}
	for n := 64; n <= 2048; n *= 2 {
		cases = append(cases, ofBoth(size, func(kind string, m frame) testCase {
			return legal(fmt.Sprintf("%s of %d KiB", kind, size/kib), []frame{m}, m).in(chop(n))
		})...)
	}
	return cases
}

// manyMessages: one after the other, and all at once.
func manyMessages() (cases []testCase) {
	many := 1000
	if !full {
		many = 50
	}
	for _, n := range []int{0, 16, 64, 256, 1024, 4096} {
		cases = append(cases, ofBoth(n, func(kind string, m frame) testCase {
			return talked(fmt.Sprintf("%d %s messages of %d bytes in turn", many, kind, n),
				slices.Repeat([]exchange{{[]frame{m}, []frame{m}}}, many)...)
		})...)
		cases = append(cases, ofBoth(n, func(kind string, m frame) testCase {
			all := slices.Repeat([]frame{m}, many)
			return legal(fmt.Sprintf("%d %s messages of %d bytes at once", many, kind, n), all, all...)
		})...)
	}
	mixed := slices.Repeat([]frame{hello, ping("p"), textOf(5000), world, text("")}, many)
	back := slices.Repeat([]frame{hello, pong("p"), textOf(5000), world, text("")}, many)
	cases = append(cases,
		legal("all kinds at once", mixed, back...),
		legal("all kinds at once", mixed, back...).in(perFrame),
		legal("all kinds at once", mixed, back...).in(1460),
	)
	return cases
}

// messageLimit: a message of exactly the limit is taken, one byte more fails
// at the header that announces it, however the message is cut.
func messageLimit() (cases []testCase) {
	for _, limit := range []int{1, 125, 126, 1000, 65535, 65536} {
		for _, kind := range []func(string) frame{text, binary} {
			exact, more := kind(strings.Repeat("x", limit)), kind(strings.Repeat("x", limit+1))
			name := fmt.Sprintf("%v, limit %d", exact.op, limit)
			half := limit/2 + 1
			for _, c := range []testCase{
				legal(name+": exactly, again and again", []frame{exact, exact, exact}, exact, exact, exact),
				legal(name+": exactly, in fragments", append(split(exact, half), split(exact, half)...), exact, exact),
				legal(name+": exactly, and empty fragments", []frame{kind("").unfinished(), next(exact.payload).unfinished(), next("")}, exact),
				breach(name+": one more", protocol.RuleMessageTooBig, []frame{more}),
				breach(name+": one more, after exactly", protocol.RuleMessageTooBig, []frame{exact, more, exact}, exact),
				breach(name+": one more, in fragments", protocol.RuleMessageTooBig, split(more, half)),
				breach(name+": one more, in the last fragment", protocol.RuleMessageTooBig, []frame{kind(exact.payload).unfinished(), ping(""), next("x")}, pong("")),
				breach(name+": one more, announced", protocol.RuleMessageTooBig, []frame{kind("").longer(limit + 1)}),
			} {
				cases = append(cases, c.taking(int64(limit)).cut(whole, perFrame)...)
			}
		}
	}
	full := textOf(fullSize)
	fragments := split(full, mib)
	fragments[len(fragments)-1].open = true
	cases = append(cases, breach("text of 16 MiB, then a fragment of one byte", protocol.RuleMessageTooBig, append(fragments, next("x"))))
	for _, op := range []protocol.Opcode{protocol.OpText, protocol.OpBinary} {
		empty := frame{op: op}
		cases = append(cases,
			breach(fmt.Sprintf("%v of 16 MiB and one byte, announced", op), protocol.RuleMessageTooBig, []frame{empty.longer(fullSize + 1)}),
			breach(fmt.Sprintf("%v of 16 MiB and one byte, with the first of it", op), protocol.RuleMessageTooBig,
				[]frame{{op: op, payload: full.payload[:100*kib], declared: fullSize + 1}}),
			breach(fmt.Sprintf("%v of 2^63-1 bytes, announced", op), protocol.RuleMessageTooBig, []frame{empty.longer(1<<63 - 1)}),
			breach(fmt.Sprintf("%v whose fragments count up beyond 2^63", op), protocol.RuleMessageTooBig,
				[]frame{{op: op, open: true, payload: "a"}, next("").longer(1<<63 - 1)}),
		)
	}
	return cases
}
