// What may stand inside a compressed message, and what not: RFC 7692 7.2, RFC 1951.

package conformance

import (
	"fmt"
	"strings"

	"framescope/protocol"
	"framescope/server/websocket"
)

// withDeflate is the cases with permessage-deflate and no further parameters.
func withDeflate(cases []testCase) []testCase {
	for i := range cases {
		cases[i] = cases[i].deflated(agreement{})
	}
	return cases
}

// deflateBlocks: RFC 7692 7.2.3 gives some of these as examples.
func deflateBlocks() (cases []testCase) {
	const h = "Hello"
	twoHalves := fixed().literals("Hel").end().begin(fixedBlock, false).literals("lo").end()
	full := longBinary[:65535]
	messages := []struct{ name, payload, want string }{
		{"7.2.3.1 fixed codes", "\xf2\x48\xcd\xc9\xc9\x07\x00", h},
		{"7.2.3.3 stored", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", h},
		{"7.2.3.4 with BFINAL", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", h},
		{"7.2.3.5 two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", h},
		{"7.2.3.6 empty", "\x00", ""},
		{"empty with fixed codes", "\x02\x00", ""},
		{"empty with BFINAL", "\x03\x00\x00", ""},
		{"empty stored blocks", new(blocks).stored("", false).stored("", false).message(), ""},
		{"a thousand empty blocks", strings.Repeat("\x00\x00\x00\xff\xff", 1000) + fixed().literals(h).end().message(), h},
		{"two blocks and no flush between", twoHalves.message(), h},
		{"stored, fixed, stored", new(blocks).stored("H", false).begin(fixedBlock, false).literals("ell").end().stored("o", false).message(), h},
		{"BFINAL, then more blocks", new(blocks).begin(fixedBlock, true).literals("Hel").end().begin(fixedBlock, false).literals("lo").end().message(), h},
		{"BFINAL in each of three blocks", new(blocks).begin(fixedBlock, true).literals("He").end().stored("ll", true).begin(fixedBlock, true).literals("o").end().message(), h},
		{"largest stored block", new(blocks).stored(full, false).message(), full},
		{"several stored blocks", new(blocks).stored(full, false).stored(full[:3], false).stored(full, false).message(), full + full[:3] + full},
		{"run of one byte", fixed().literals("x").copy(258, 1).copy(257, 1).copy(3, 1).end().message(), strings.Repeat("x", 519)},
		{"copy longer than its distance", fixed().literals("ab").copy(5, 2).end().message(), "abababa"},
		{"every literal", fixed().literals(full[:5000]).end().message(), full[:5000]},
	}
	for _, m := range messages {
		z, want := packed(protocol.OpBinary, m.payload), binary(m.want)
		cases = append(cases, legal(m.name, []frame{z}, want), legal(m.name+", twice", []frame{z, hello, z}, want, hello, want))
		if len(m.payload) < 100 {
			cases = append(cases, legal(m.name+", a byte a fragment", split(z, 1), want), legal(m.name, []frame{z}, want).in(octets))
		}
	}
	// Every length and every distance that has a symbol of its own, at both its ends.
	ruler := text(wholeText(longText, 1<<15))
	send, want := []frame{packed(protocol.OpText, new(blocks).stored(ruler.payload, false).message())}, []frame{ruler}
	var all blocks
	all.begin(fixedBlock, false)
	clear := ruler.payload
	for i, d := range copyDistances {
		l := copyLengths[i%len(copyLengths)]
		for _, distance := range []int{d.base, d.base + 1<<d.extra - 1} {
			for _, length := range []int{l.base, min(258, l.base+1<<l.extra-1)} {
				all.copy(length, distance)
				for range length {
					clear += clear[len(clear)-distance:][:1]
				}
			}
		}
	}
	cases = append(cases, legal("all distances", append(send, packed(protocol.OpBinary, all.end().message())), append(want, binary(clear[len(ruler.payload):]))...))
	return withDeflate(cases)
}

// corruptData: each earns 1007, also before the message is whole.
func corruptData() (cases []testCase) {
	for _, c := range []struct {
		name    string
		payload string
	}{
		{"block of type 3", string(new(blocks).begin(wrongBlock, false).put(0, 32).out)},
		{"stored length that its complement denies", "\x00\x05\x00\xfb\xffHello"},
		{"copy from before the first message", string(fixed().copy(3, 1).end().put(0, 32).out)},
		{"copy from one byte too far", string(fixed().literals("ab").copy(3, 3).end().put(0, 32).out)},
		{"length symbol 286", string(fixed().literals("a").symbol(286).put(0, 32).out)},
		{"distance symbol 30", string(fixed().literals("a").symbol(257).code(30, 5).put(0, 32).out)},
		{"more code lengths than there are codes", string(new(blocks).begin(dynamicBlock, false).put(31, 5).put(31, 5).put(15, 4).put(0, 64).out)},
		{"code lengths that are too short for all", string(new(blocks).begin(dynamicBlock, false).put(0, 5).put(0, 5).put(15, 4).put(1<<0|1<<3|1<<6|1<<9, 57).put(0, 32).out)},
		{"no codes at all", string(new(blocks).begin(dynamicBlock, false).put(0, 5).put(0, 5).put(15, 4).put(0, 57).put(0, 32).out)},
	} {
		m := packed(protocol.OpBinary, c.payload)
		cases = append(cases,
			breach(c.name, protocol.RuleDeflateCorrupt, []frame{m}),
			breach(c.name+", after a good message", protocol.RuleDeflateCorrupt, []frame{hello, ping(""), m, world}, hello, pong("")),
			breach(c.name+", octet by octet", protocol.RuleDeflateCorrupt, []frame{m, hello}).in(octets),
			breach(c.name+", and the rest never comes", protocol.RuleDeflateCorrupt, []frame{m.longer(1000)}),
			breach(c.name+", in a first fragment", protocol.RuleDeflateCorrupt, []frame{m.unfinished()}),
		)
	}
	whole := flow{}.packed(kinds[0].make(2000, 1))[0].payload
	for _, cut := range []string{"", whole[:1], whole[:2], whole[:len(whole)/2], whole[:len(whole)-1], "\xf2\x48\xcd", "\x00\x05\x00\xfa\xffHell"} {
		cases = append(cases,
			breach(fmt.Sprintf("cut short to %d bytes, %.3x", len(cut), cut), protocol.RuleDeflateCorrupt, []frame{packed(protocol.OpText, cut)}),
			breach(fmt.Sprintf("cut short to %d bytes, %.3x, in fragments", len(cut), cut), protocol.RuleDeflateCorrupt, []frame{packed(protocol.OpText, cut).unfinished(), next("")}),
		)
	}
	return withDeflate(cases)
}

// windows: a copy may reach as far back as was agreed and no further, and into
// the messages before only with context takeover.
func windows() (cases []testCase) {
	for _, bits := range []int{8, 9, 12, 15} {
		w := 1 << bits
		m := kinds[1].make(w+1000, 1)
		before := packed(protocol.OpText, greedy("", m.payload, w).message())
		far := func(distance int) frame { return packed(protocol.OpBinary, fixed().copy(3, distance).end().message()) }
		reached := binary(lastBytes(m.payload, w)[:3])
		within := packed(protocol.OpBinary, greedy("", m.payload, w).begin(fixedBlock, false).copy(3, w).end().message())
		beyond := packed(protocol.OpBinary, greedy("", m.payload, w).begin(fixedBlock, false).literals("x").copy(3, w+1).end().message())
		both := binary(m.payload + reached.payload)
		some := []testCase{
			legal("as far as the window into a message before", []frame{before, far(w)}, m, reached).deflated(agreement{ours: flow{bits: bits}}),
			legal("as far as the window within a message", []frame{within, within}, both, both).deflated(agreement{ours: flow{bits: bits, alone: true}}),
			breach("into a message before, which is forbidden", protocol.RuleDeflateCorrupt, []frame{before, far(1)}, m).deflated(agreement{ours: flow{bits: bits, alone: true}}),
		}
		if bits < 15 {
			some = append(some,
				breach("one byte beyond the window into a message before", protocol.RuleDeflateCorrupt, []frame{before, far(w + 1)}, m).deflated(agreement{ours: flow{bits: bits}}),
				breach("one byte beyond the window within a message", protocol.RuleDeflateCorrupt, []frame{beyond}).deflated(agreement{ours: flow{bits: bits}}),
			)
		}
		for i := range some {
			some[i].name = fmt.Sprintf("%d bits: %s", bits, some[i].name)
			some[i].options.Compression = websocket.Compression{PeerWindowBits: bits}
		}
		cases = append(cases, some...)
	}
	return cases
}

// inflatedText: text is judged as it is after inflating, and at once.
func inflatedText() (cases []testCase) {
	rule := protocol.RuleUTF8Invalid
	for _, s := range invalidTexts() {
		m := text(s.text)
		bad := doomedAt(s.text)
		cases = append(cases,
			breach(s.name, rule, []frame{hello, flow{}.packed(m)[0], world}, hello),
			breach(s.name+", stored", rule, []frame{packed(protocol.OpText, new(blocks).stored(s.text, false).message())}),
			legal(s.name+", but binary", flow{}.packed(binary(s.text)), binary(s.text)),
		)
		if bad >= 0 {
			stored := packed(protocol.OpText, new(blocks).stored(s.text[:bad+1], false).message())
			cases = append(cases,
				breach(s.name+", at once in a frame", rule, []frame{stored.longer(100)}),
				breach(s.name+", at once in a fragment", rule, []frame{stored.unfinished(), ping("")}),
			)
		}
	}
	for _, s := range validTexts() {
		m := text(s.text)
		z := flow{}.packed(m)[0]
		cases = append(cases, legal(s.name, []frame{z}, m), legal(s.name+", a byte a fragment", split(z, 1), m))
		var parts blocks
		for i := range len(s.text) {
			parts.stored(s.text[i:i+1], i%2 == 0)
		}
		cases = append(cases, legal(s.name+", a byte a block", []frame{packed(protocol.OpText, parts.message())}, m))
	}
	return withDeflate(cases)
}

// inflatedLimit: the limit on a message is on what it inflates to. A bomb fails
// when it passes the limit, not when it is over.
func inflatedLimit() (cases []testCase) {
	zeros := flow{}.packed(binary(strings.Repeat("\x00", mib)))[0].payload
	for _, limit := range []int{1, 125, 1000, 20_000} {
		for _, kind := range kinds {
			exact, more := kind.make(limit, 1), kind.make(limit+1, 1)
			name := fmt.Sprintf("limit %d, %s", limit, kind.name)
			for _, c := range []testCase{
				legal(name+": exactly, again and again", flow{}.packed(exact, exact, exact), exact, exact, exact),
				legal(name+": exactly, stored", []frame{packed(exact.op, new(blocks).stored(exact.payload[:limit/2], false).stored(exact.payload[limit/2:], false).message())}, exact),
				legal(name+": exactly, in fragments", split(flow{}.packed(exact)[0], limit/9+1), exact),
				breach(name+": one more", protocol.RuleMessageTooBig, flow{}.packed(more)),
				breach(name+": one more, after exactly", protocol.RuleMessageTooBig, flow{}.packed(exact, more, exact), exact),
				breach(name+": one more, in fragments", protocol.RuleMessageTooBig, split(flow{}.packed(more)[0], limit/9+1)),
				breach(name+": one more, at once", protocol.RuleMessageTooBig, []frame{flow{}.packed(more)[0].longer(1)}),
			} {
				cases = append(cases, c.taking(int64(limit)).cut(whole, perFrame)...)
			}
		}
	}
	bombs := []int{17, 500}
	if !full {
		bombs = bombs[:1]
	}
	for _, times := range bombs {
		bomb := packed(protocol.OpBinary, strings.Repeat(zeros+"\x00\x00\xff\xff", times-1)+zeros)
		part := packed(protocol.OpBinary, bomb.payload[:len(bomb.payload)*2/3]).longer(len(bomb.payload) / 3)
		name := fmt.Sprintf("bomb of %d bytes for %d MiB", len(bomb.payload), times)
		cases = append(cases,
			breach(name, protocol.RuleMessageTooBig, []frame{hello, bomb, world}, hello),
			breach(name+", small limit", protocol.RuleMessageTooBig, []frame{bomb}).taking(2*kib),
			breach(name+", in fragments", protocol.RuleMessageTooBig, split(bomb, 1000)),
			breach(name+", of which a part comes", protocol.RuleMessageTooBig, []frame{part}).taking(8*mib),
		)
	}
	full := packed(protocol.OpBinary, strings.Repeat(zeros+"\x00\x00\xff\xff", 15)+zeros)
	cases = append(cases, legal("16 MiB that shrink to nothing", []frame{full}, binary(strings.Repeat("\x00", fullSize))))
	return withDeflate(cases)
}
