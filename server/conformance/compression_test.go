// Compressed messages of all sizes, with all sets of parameters.

package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"framescope/protocol"
	"framescope/server/websocket"
)

// kinds are what messages are made of: text that shrinks well and less so, bytes
// that do not shrink at all and bytes that all but vanish. Each i gives another.
var kinds = []struct {
	name string
	make func(n, i int) frame
}{
	{"JSON", func(n, i int) frame {
		var b strings.Builder
		for line := 0; b.Len() < n; line++ {
			fmt.Fprintf(&b, `{"sequence":%d,"rule":"utf8-invalid","names":["Maske","窗口","окно"],"open":%v}`, i<<20+line, line%3 == 0)
		}
		return text(wholeText(b.String(), n))
	}},
	{"prose", func(n, i int) frame {
		words := strings.Fields("frame mask payload opcode fragment control close ping pong 世界 window context Größe déjà")
		r := rand.New(rand.NewPCG(uint64(n), uint64(i)))
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		return text(wholeText(b.String(), n))
	}},
	{"noise", func(n, i int) frame { return binary(longBinary[i<<17:][:n]) }},
	{"zeros", func(n, _ int) frame { return binary(strings.Repeat("\x00", n)) }},
}

// wholeText is the first n bytes of s, the last character whole.
func wholeText(s string, n int) string {
	s = strings.ToValidUTF8(s[:n], "")
	return s + strings.Repeat(".", n-len(s))
}

// agreements are all sets of parameters that matter, in both directions.
var agreements = func() (all []agreement) {
	for _, ours := range []bool{false, true} {
		for _, theirs := range []bool{false, true} {
			for _, bits := range [][2]int{{0, 0}, {15, 15}, {8, 8}, {9, 15}, {15, 9}, {12, 10}, {0, 8}, {9, 0}} {
				all = append(all, agreement{flow{ours, bits[0]}, flow{theirs, bits[1]}})
			}
		}
	}
	return all
}()

// TestCompressedMessages: what comes back is the same and keeps to what was agreed.
func TestCompressedMessages(t *testing.T) {
	messages := []frame{text(""), binary(""), text("a"), text("a")}
	sizes := []int{16, 64, 256, 1 * kib, 4 * kib, 600, 8 * kib, 600, 32 * kib, 128 * kib}
	if !full {
		sizes = []int{16, 256, 1 * kib, 600, 9 * kib, 600}
	}
	for i, n := range sizes {
		for _, kind := range kinds {
			messages = append(messages, kind.make(n, i))
		}
	}
	ours := map[flow][]frame{}
	for _, a := range agreements {
		if ours[a.ours] == nil {
			ours[a.ours] = a.ours.packed(messages...)
		}
	}
	inBothRoles(t, func(t *testing.T, side protocol.Side) {
		for n, takeover := range []bool{false, true} {
			for _, a := range oneIn(3, agreements, n) {
				c := legal(fmt.Sprintf("takeover %v, %s", takeover, a.extension(side)), ours[a.ours], messages...).deflated(a).in(997)
				c.options.Compression = websocket.Compression{ContextTakeover: takeover, Threshold: 1}
				t.Run(c.name, func(t *testing.T) {
					p := c.play(t, side)
					if p.checker.compressed < len(messages)/2 {
						t.Errorf("%d of %d messages came back compressed", p.checker.compressed, len(messages))
					}
					if may := takeover && !p.checker.alone && p.checker.window() > 8*kib; may && !p.checker.reaches {
						t.Error("no message builds on those before")
					}
				})
			}
		}
	})
}

// manyCompressedMessages: in turn, a kind and a size at
// a time, with the endpoint's own choice of what it compresses.
func manyCompressedMessages() (cases []testCase) {
	for _, kind := range kinds {
		for _, n := range []int{16, 64, 256, 1 * kib, 4 * kib, 8 * kib, 16 * kib, 32 * kib, 64 * kib, 128 * kib} {
			many := max(2, min(20, 64*kib/n))
			var messages []frame
			for i := range many {
				messages = append(messages, kind.make(n, i))
			}
			var talk []exchange
			for i, m := range (flow{}).packed(messages...) {
				talk = append(talk, exchange{[]frame{m}, messages[i : i+1]})
			}
			cases = append(cases, talked(fmt.Sprintf("%d × %d bytes of %s", many, n, kind.name), talk...).deflated(agreement{}))
		}
	}
	return cases
}

// compressedFragments: RFC 7692 6.1. A message is compressed and then cut;
// RSV1 stands in the first frame alone, control frames may stand between.
func compressedFragments() (cases []testCase) {
	m := kinds[0].make(3000, 1)
	z := flow{}.packed(m)[0]
	for _, n := range []int{1, 2, 7, 64, 125, 126, 1300} {
		fragments := split(z, n)
		var pinged, pongs []frame
		for i, f := range fragments {
			p := fmt.Sprint(i)
			pinged, pongs = append(pinged, f), append(pongs, pong(p))
			if i < len(fragments)-1 {
				pinged = append(pinged, ping(p))
			}
		}
		cases = append(cases, everyChop(
			legal(fmt.Sprintf("fragments of %d bytes", n), fragments, m),
			legal(fmt.Sprintf("fragments of %d bytes, pings between", n), pinged, append(pongs[:len(fragments)-1:len(fragments)-1], m)...),
		)...)
	}
	empty := packed(protocol.OpText, "").unfinished()
	cases = append(cases, everyChop(
		legal("empty first and last fragment", []frame{empty, next(z.payload).unfinished(), next("")}, m),
		legal("empty fragments round the payload", []frame{empty, next("").unfinished(), ping(""), next(z.payload).unfinished(), next("").unfinished(), next("")}, pong(""), m),
		legal("empty message in fragments", []frame{empty, next("\x00")}, text("")),
	)...)
	long := kinds[1].make(128*kib, 1)
	for _, n := range []int{256, 4 * kib, 16 * kib} {
		cases = append(cases, legal(fmt.Sprintf("128 KiB in fragments of %d bytes", n), split(flow{}.packed(long)[0], n), long))
	}
	return withDeflate(cases)
}

// uncompressedMessagesBetween: RFC 7692 6 lets a sender choose for each
// message, and 7.2.1 builds only on what was compressed.
func uncompressedMessagesBetween() (cases []testCase) {
	before := text("compressed before. ")
	plain := text("not compressed, and so not in any window. ")
	back := packed(protocol.OpText, fixed().copy(len(before.payload), len(before.payload)).end().message())
	for _, own := range []bool{false, true} {
		o := websocket.Options{Compression: websocket.Compression{ContextTakeover: own, Threshold: 20}}
		z := flow{}.packed(before)[0]
		some := everyChop(
			legal("all uncompressed", []frame{plain, world, hello}, plain, world, hello),
			legal("uncompressed, then compressed", []frame{plain, z}, plain, before),
			legal("a copy over an uncompressed message", []frame{z, plain, world, back}, before, plain, world, before),
			legal("a copy over an uncompressed message in fragments", []frame{z, text("a").unfinished(), ping(""), next("b"), back}, before, pong(""), text("ab"), before),
			legal("control frames between", []frame{z, ping("1"), back, pong(""), back}, before, pong("1"), before, before),
			breach("RSV1 in the continuation of an uncompressed message", protocol.RuleDeflateRSV1Continuation, []frame{z, text("a").unfinished(), next("b").withRSV(protocol.RSV1)}, before),
		)
		for i := range some {
			some[i].options = o
			some[i].name += fmt.Sprintf(", takeover %v", own)
		}
		cases = append(cases, some...)
	}
	return withDeflate(cases)
}
