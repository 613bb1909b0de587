// Framing, pings, reserved bits and opcodes.

package conformance

import (
	"fmt"
	"strings"

	"framescope/protocol"
)

// hello and world are two good messages.
var (
	hello = text("Hello, wörld")
	world = binary("\x00\x01\xfe\xff")
)

// payloadLengths: the three forms of a length, at
// either side of where one ends and the next begins.
func payloadLengths() (cases []testCase) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 124, 125, 126, 127, 128, 255, 256, 4095, 4096, 4097, 65535, 65536, 65537} {
		messages := []frame{text(strings.Repeat("*", n)), binary(strings.Repeat("\xfe", n))}
		c := legal(fmt.Sprintf("%d bytes", n), messages, messages...)
		cases = append(cases, c.cut(whole, perFrame, 997)...)
		if n <= 4097 {
			cases = append(cases, c.cut(octets, 3)...)
		}
	}
	return cases
}

// pings: a ping comes back as a pong with its payload; a pong
// that nobody asked for is no fault.
func pings() (cases []testCase) {
	for n := range protocol.MaxControlPayload + 1 {
		p := strings.Repeat("\xfe\x00\xff", 42)[:n]
		c := legal(fmt.Sprintf("ping of %d bytes", n), []frame{ping(p)}, pong(p))
		cases = append(cases, c.cut(whole, octets)...)
	}
	var ten, back []frame
	for i := range 10 {
		p := fmt.Sprintf("ping %d", i)
		ten, back = append(ten, ping(p)), append(back, pong(p))
	}
	long := strings.Repeat("\xfe", protocol.MaxControlPayload+1)
	cases = append(cases, everyChop(
		legal("ten pings", ten, back...),
		legal("pong out of the blue", []frame{pong("")}),
		legal("pong with payload out of the blue", []frame{pong("nobody asked")}),
		legal("pong, then a ping", []frame{pong("nobody asked"), ping("me")}, pong("me")),
		legal("ping between messages", []frame{hello, ping("a"), world, ping("b")}, hello, pong("a"), world, pong("b")),
		legal("pong of 125 bytes", []frame{pong(long[:125]), hello}, hello),
		breach("ping of 126 bytes", protocol.RuleControlTooLong, []frame{ping(long)}),
		breach("pong of 126 bytes", protocol.RuleControlTooLong, []frame{pong(long)}),
		breach("ping of 126 bytes after ten", protocol.RuleControlTooLong, append(ten[:10:10], ping(long), hello), back...),
		breach("ping that only declares 126 bytes", protocol.RuleControlTooLong, []frame{ping("").longer(126)}),
		breach("ping that declares 64 KiB", protocol.RuleControlTooLong, []frame{ping("").longer(1 << 16)}),
	)...)
	return cases
}

// reservedBits: what was good before must have been answered.
func reservedBits() (cases []testCase) {
	for bits := uint8(1); bits <= 7; bits++ {
		for _, f := range []frame{
			text(""), hello, world, text("Hel").unfinished(),
			ping(""), ping("are you there"), pong("yes"), closing(protocol.CloseNormal, ""), closing(protocol.CloseNoStatus, ""),
		} {
			broken := f.withRSV(bits)
			name := broken.String()
			cases = append(cases, breach(name, protocol.RuleRSVUnexpected, []frame{broken}))
			cases = append(cases, everyChop(breach(name+" between good frames", protocol.RuleRSVUnexpected,
				[]frame{hello, ping("1"), broken, world, ping("2")}, hello, pong("1")))...)
		}
		cases = append(cases,
			breach(fmt.Sprintf("continuation with RSV %03b", bits), protocol.RuleRSVUnexpected,
				[]frame{hello, text("a").unfinished(), next("b").withRSV(bits)}, hello),
			breach(fmt.Sprintf("ping between fragments with RSV %03b", bits), protocol.RuleRSVUnexpected,
				[]frame{text("a").unfinished(), ping("").withRSV(bits), next("b")}),
		)
	}
	return cases
}

// opcodes: the reserved ones, of data and of control frames.
func opcodes() (cases []testCase) {
	for _, op := range []protocol.Opcode{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		for _, payload := range []string{"", "reserved", strings.Repeat("r", 126)} {
			if op.Control() && len(payload) > protocol.MaxControlPayload {
				payload = payload[:protocol.MaxControlPayload]
			}
			f := frame{op: op, payload: payload}
			name := fmt.Sprintf("opcode %v with %d bytes", op, len(payload))
			cases = append(cases, breach(name, protocol.RuleOpcodeReserved, []frame{f}))
			cases = append(cases, everyChop(
				breach(name+" between good frames", protocol.RuleOpcodeReserved, []frame{hello, f, ping("")}, hello),
				breach(name+" between fragments", protocol.RuleOpcodeReserved, []frame{text("a").unfinished(), f, next("b")}),
			)...)
		}
		cases = append(cases, breach(fmt.Sprintf("opcode %v without FIN", op), protocol.RuleOpcodeReserved, []frame{{op: op, open: true}}))
	}
	return cases
}
