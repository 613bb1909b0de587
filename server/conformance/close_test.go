// The close handshake that the other end begins.

package conformance

import (
	"fmt"
	"strings"

	"framescope/protocol"
)

// closed is a case in which the test closes with f after what it sends, and the
// same code comes back. What it sends behind is not answered.
func closed(name string, f frame, before []frame, behind []frame, want ...frame) testCase {
	code, _, _ := protocol.ParseClosePayload([]byte(f.payload))
	send := append(append(append([]frame(nil), before...), f), behind...)
	return testCase{name: name, talk: []exchange{{send, append(want, closing(code, ""))}}, code: code}
}

// closeCodes: those that an end may send come back, the others are a breach.
func closeCodes() (cases []testCase) {
	for _, code := range []protocol.CloseCode{
		1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000, 4001, 4998, 4999,
	} {
		cases = append(cases, everyChop(
			closed(fmt.Sprintf("code %d", code), closing(code, ""), nil, nil),
			closed(fmt.Sprintf("code %d with a reason", code), closing(code, "gründlich"), []frame{hello}, nil, hello),
		)...)
	}
	for _, code := range []protocol.CloseCode{
		0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 32768, 65535,
	} {
		cases = append(cases, everyChop(
			breach(fmt.Sprintf("code %d that no end may send", code), protocol.RuleCloseCodeInvalid, []frame{closeWith(coded(code))}),
			breach(fmt.Sprintf("code %d that no end may send, with a reason", code), protocol.RuleCloseCodeInvalid, []frame{hello, closeWith(coded(code) + "reason")}, hello),
		)...)
	}
	return cases
}

// closePayloads: nothing, or a code and a reason that is text.
func closePayloads() (cases []testCase) {
	reason := strings.Repeat("*", 124)
	cases = everyChop(
		closed("no payload", closing(protocol.CloseNoStatus, ""), nil, nil),
		closed("reason of one byte", closing(1000, "x"), nil, nil),
		closed("reason of 122 bytes", closing(1000, reason[:122]), nil, nil),
		closed("reason of 123 bytes", closing(1000, reason[:123]), nil, nil),
		closed("reason of 123 bytes, the last a whole character", closing(1000, reason[:121]+"µ"), nil, nil),
		breach("reason of 124 bytes", protocol.RuleControlTooLong, []frame{closing(1000, reason)}),
		breach("close that declares 126 bytes", protocol.RuleControlTooLong, []frame{closing(1000, "").longer(124)}),
		breach("payload of one byte", protocol.RuleCloseLengthOne, []frame{closeWith("\x03")}),
		breach("payload of one byte after a message", protocol.RuleCloseLengthOne, []frame{hello, closeWith("x")}, hello),
		breach("reason of 123 bytes that ends inside a character", protocol.RuleCloseReasonUTF8, []frame{closing(1000, reason[:122]+"\xc2")}),
	)
	for _, s := range invalidTexts() {
		cases = append(cases, breach("reason with "+s.name+": "+spell(s.text), protocol.RuleCloseReasonUTF8, []frame{closing(1000, "bye "+s.text)}))
	}
	for _, s := range validTexts() {
		cases = append(cases, closed("reason with "+s.name, closing(1000, s.text), nil, nil))
	}
	return cases
}

// framesBehindAClose: whatever follows a close frame is
// not answered, and TCP still ends in order.
func framesBehindAClose() (cases []testCase) {
	bye := closing(protocol.CloseNormal, "bye")
	big := text(strings.Repeat("BAsd7&jh23", 26214)) // 256 KiB
	cases = everyChop(
		closed("message before", bye, []frame{hello}, nil, hello),
		closed("second close", bye, nil, []frame{bye}),
		closed("second close of another code", bye, nil, []frame{closing(4000, "")}),
		closed("ping behind", bye, nil, []frame{ping("too late")}),
		closed("message behind", bye, []frame{hello}, []frame{world, text("too late")}, hello),
		closed("broken frames behind", bye, nil, []frame{next("too late"), ping("").withRSV(7), {op: 3}}),
		closed("half a frame behind", bye, nil, []frame{text("too late").longer(100)}),
		closed("inside a fragmented message", bye, []frame{text("a").unfinished()}, nil),
		closed("inside a fragmented message that goes on", bye, []frame{text("a").unfinished(), next("b").unfinished()}, []frame{next("c"), hello}),
		closed("inside a character", bye, []frame{text("\xe2\x82").unfinished()}, []frame{next("\xac")}),
		closed("no status, message behind", closing(protocol.CloseNoStatus, ""), nil, []frame{hello}),
		breach("messages behind a close that is wrong", protocol.RuleCloseCodeInvalid, []frame{closeWith(coded(1005)), hello, ping(""), bye}),
	)
	cases = append(cases,
		closed("long message before, ping behind", bye, []frame{big}, []frame{ping("")}, big),
		closed("long message before, ping behind, in 997 octets", bye, []frame{big}, []frame{ping("")}, big).in(997),
		closed("long messages behind", bye, nil, []frame{big, big, big}),
		closed("long messages behind", bye, nil, []frame{big, big, big}).in(perFrame),
	)
	return cases
}
