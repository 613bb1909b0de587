// Fragmentation: RFC 6455 5.4.

package conformance

import (
	"fmt"
	"slices"
	"strings"

	"framescope/protocol"
)

// split is a message in fragments of n bytes, the last of which may be shorter.
func split(message frame, n int) (fragments []frame) {
	op, rsv := message.op, message.rsv
	for part := range slices.Chunk([]byte(message.payload), n) {
		fragments = append(fragments, frame{op: op, rsv: rsv, open: true, payload: string(part)})
		op, rsv = protocol.OpContinuation, 0
	}
	fragments[len(fragments)-1].open = false
	return fragments
}

// fragmentedMessages: control frames may stand
// between fragments and are answered before the message is whole.
func fragmentedMessages() (cases []testCase) {
	first, last := text("fragment 1, ").unfinished(), next("fragment 2")
	both := text("fragment 1, fragment 2")
	cases = everyChop(
		legal("two fragments", []frame{first, last}, both),
		legal("two binary fragments", []frame{binary("\xff").unfinished(), next("\xfe")}, binary("\xff\xfe")),
		legal("ping between", []frame{first, ping("between"), last}, pong("between"), both),
		legal("pong between", []frame{first, pong("between"), last}, both),
		legal("many pings between", []frame{first, ping("1"), ping("2"), pong("3"), ping("4"), last}, pong("1"), pong("2"), pong("4"), both),
		legal("five fragments and pings", []frame{
			text("a").unfinished(), next("b").unfinished(), ping("1"), next("c").unfinished(),
			next("d").unfinished(), ping("2"), next("e"),
		}, pong("1"), pong("2"), text("abcde")),
		legal("three empty fragments", []frame{text("").unfinished(), next("").unfinished(), next("")}, text("")),
		legal("empty fragments round one with a payload", []frame{text("").unfinished(), next("middle").unfinished(), next("")}, text("middle")),
		legal("empty first fragment", []frame{binary("").unfinished(), next("all")}, binary("all")),
		legal("two fragmented messages", []frame{first, last, binary("x").unfinished(), next("y"), hello}, both, binary("xy"), hello),
		legal("fragmented and whole messages in turn", []frame{hello, first, last, world, first, last}, hello, both, world, both),
	)
	cases = append(cases,
		talked("pong before the message is whole", exchange{[]frame{first, ping("now")}, []frame{pong("now")}}, exchange{[]frame{last}, []frame{both}}),
		talked("pong before each fragment of many",
			exchange{[]frame{first, ping("1")}, []frame{pong("1")}}, exchange{[]frame{next("").unfinished(), ping("2")}, []frame{pong("2")}},
			exchange{[]frame{next("more, ").unfinished(), ping("3")}, []frame{pong("3")}}, exchange{[]frame{last, ping("4")}, []frame{text("fragment 1, more, fragment 2"), pong("4")}}),
	)
	return cases
}

// fragmentSizes: a message as a sender cuts it that fragments
// everything, in pieces round the sizes of headers and read buffers.
func fragmentSizes() (cases []testCase) {
	message := text(strings.Repeat("wörd ", 11000)[:65536])
	for _, n := range []int{125, 126, 127, 1000, 1300, 4081, 4082, 4083, 4088, 4096, 4097, 32768, 65535} {
		for _, m := range []frame{message, {op: protocol.OpBinary, payload: message.payload}} {
			c := legal(fmt.Sprintf("%v of 64 KiB in fragments of %d bytes", m.op, n), split(m, n), m)
			cases = append(cases, c.cut(whole, perFrame, 997)...)
		}
	}
	for _, n := range []int{1, 2, 3} {
		short := text(message.payload[:1200])
		cases = append(cases, everyChop(legal(fmt.Sprintf("1200 bytes in fragments of %d", n), split(short, n), short))...)
	}
	return cases
}

// fragmentsOutOfOrder: a continuation of nothing, a message inside another, a control frame
// in fragments.
func fragmentsOutOfOrder() (cases []testCase) {
	unexpected, expected := protocol.RuleContinuationUnexpected, protocol.RuleContinuationExpected
	fragmented := protocol.RuleControlFragmented
	first, last := text("first").unfinished(), next("last")
	whole := text("firstlast")
	for _, f := range []frame{next(""), next("nothing to continue"), next("").unfinished(), next("nothing to continue").unfinished()} {
		name := f.String()
		cases = append(cases, everyChop(
			breach(name+" at the start", unexpected, []frame{f, hello}),
			breach(name+" after a message", unexpected, []frame{hello, f, world}, hello),
			breach(name+" after a ping", unexpected, []frame{ping("1"), f, hello}, pong("1")),
			breach(name+" after a fragmented message", unexpected, []frame{first, last, f, hello}, whole),
			breach(name+" twice", unexpected, []frame{f, hello, f, hello}),
		)...)
	}
	for _, f := range []frame{text("new"), binary("new"), text(""), text("new").unfinished(), binary("").unfinished()} {
		name := f.String()
		cases = append(cases, everyChop(
			breach(name+" inside a text", expected, []frame{first, f, last}),
			breach(name+" inside a binary message", expected, []frame{binary("first").unfinished(), f, last}),
			breach(name+" after fragments and a ping", expected, []frame{hello, first, next("middle").unfinished(), ping("1"), f, last}, hello, pong("1")),
		)...)
	}
	for _, f := range []frame{ping(""), ping("half"), pong(""), pong("half"), closing(protocol.CloseNormal, ""), closing(protocol.CloseNoStatus, "")} {
		half := f.unfinished()
		name := half.String()
		cases = append(cases, everyChop(
			breach(name, fragmented, []frame{half}),
			breach(name+" and its continuation", fragmented, []frame{half, next("other half")}),
			breach(name+" after a message", fragmented, []frame{hello, half, world}, hello),
			breach(name+" between fragments", fragmented, []frame{first, half, last}),
		)...)
	}
	return cases
}

// everyOrder: all orders of up to four frames of these kinds, up to the first
// that is out of order, held against the two sentences that RFC 6455 5.4 has for
// them: a continuation needs a message that is open, a new message needs none.
func everyOrder() (cases []testCase) {
	kinds := []frame{text("T"), text("t").unfinished(), next("C"), next("c").unfinished(), ping("P"), binary("B"), binary("b").unfinished()}
	var follow func(name string, send, want []frame, message frame, depth int)
	follow = func(name string, send, want []frame, message frame, depth int) {
		cases = append(cases, legal("order "+name, send, want...))
		for _, f := range kinds {
			if depth == 4 {
				return
			}
			name, send, want, message := name+f.payload, append(slices.Clip(send), f), slices.Clip(want), message
			switch continues := f.op == protocol.OpContinuation; {
			case f.op == protocol.OpPing:
				want = append(want, pong(f.payload))
			case continues && !message.open:
				cases = append(cases, breach("order "+name, protocol.RuleContinuationUnexpected, send, want...))
				continue
			case !continues && message.open:
				cases = append(cases, breach("order "+name, protocol.RuleContinuationExpected, send, want...))
				continue
			default:
				if continues {
					f.op, f.payload = message.op, message.payload+f.payload
				}
				if message = f; !f.open {
					want = append(want, f)
				}
			}
			follow(name, send, want, message, depth+1)
		}
	}
	follow("", nil, nil, frame{}, 0)
	return cases
}
