// Every rule broken over a socket, in each role that can meet it, and the close
// code that comes back.

package conformance

import (
	"fmt"
	"strings"
	"testing"

	"framescope/protocol"
)

// smallLimit is the largest message in these cases.
const smallLimit = 1000

// wrong are frames of which the last breaks a rule. Good frames may stand before it.
type wrong struct {
	rule   protocol.Rule
	frames []frame
}

// breaches are ways to break every rule that the endpoint in the role of side can
// meet, but for frame-after-close: an endpoint that has answered a close frame reads
// no more, so framesBehindAClose expects silence.
func breaches(side protocol.Side) []wrong {
	masking := protocol.RuleClientUnmasked
	if side == protocol.Client {
		masking = protocol.RuleServerMasked
	}
	all := []wrong{
		{masking, []frame{{op: protocol.OpText, wrongMask: true}}},
		{masking, []frame{{op: protocol.OpBinary, payload: strings.Repeat("x", 300), wrongMask: true}}},
		{masking, []frame{{op: protocol.OpPing, payload: "p", wrongMask: true}}},
		{masking, []frame{{op: protocol.OpClose, payload: coded(1000), wrongMask: true}}},
		{masking, []frame{text("a").unfinished(), {op: protocol.OpContinuation, payload: "b", wrongMask: true}}},
		{protocol.RuleLengthNotMinimal, []frame{{op: protocol.OpText, lengthBytes: 2}}},
		{protocol.RuleLengthNotMinimal, []frame{{op: protocol.OpText, payload: strings.Repeat("x", 125), lengthBytes: 2}}},
		{protocol.RuleLengthNotMinimal, []frame{{op: protocol.OpBinary, payload: "x", lengthBytes: 8}}},
		{protocol.RuleLengthNotMinimal, []frame{{op: protocol.OpBinary, declared: 65535, lengthBytes: 8}}},
		{protocol.RuleLengthNotMinimal, []frame{{op: protocol.OpPing, payload: "p", lengthBytes: 2}}},
		{protocol.RuleLengthNotMinimal, []frame{{op: protocol.OpClose, payload: coded(1000), lengthBytes: 8}}},
		{protocol.RuleLengthHighBit, []frame{{op: protocol.OpBinary, declared: 1 << 63}}},
		{protocol.RuleLengthHighBit, []frame{{op: protocol.OpText, declared: 1<<64 - 1}}},
		{protocol.RuleLengthHighBit, []frame{binary("a").unfinished(), {op: protocol.OpContinuation, declared: 1<<63 + 1}}},
		{protocol.RuleControlTooLong, []frame{{op: protocol.OpPing, declared: 1 << 63}}}, // the first of two in the table
		{protocol.RuleRSVUnexpected, []frame{text("a").withRSV(protocol.RSV1)}},
		{protocol.RuleRSVUnexpected, []frame{ping("").withRSV(protocol.RSV3)}},
		{protocol.RuleOpcodeReserved, []frame{{op: 3}}},
		{protocol.RuleOpcodeReserved, []frame{{op: 11, payload: "x"}}},
		{protocol.RuleControlTooLong, []frame{ping("").longer(126)}},
		{protocol.RuleControlFragmented, []frame{ping("").unfinished()}},
		{protocol.RuleContinuationUnexpected, []frame{next("")}},
		{protocol.RuleContinuationExpected, []frame{text("a").unfinished(), text("b")}},
		{protocol.RuleMessageTooBig, []frame{binary(strings.Repeat("x", smallLimit+1))}},
		{protocol.RuleMessageTooBig, []frame{text("").longer(1<<63 - 1)}},
		{protocol.RuleUTF8Invalid, []frame{text("a\xff")}},
		{protocol.RuleUTF8Invalid, []frame{text("\xe2\x82").unfinished(), next("a")}},
		{protocol.RuleCloseLengthOne, []frame{closeWith("\x03")}},
		{protocol.RuleCloseCodeInvalid, []frame{closeWith(coded(1005))}},
		{protocol.RuleCloseReasonUTF8, []frame{closing(1000, "\xff")}},
	}
	return all
}

// cases are the breach alone, among good frames, however cut, and right behind the
// handshake.
func (w wrong) cases() (all []testCase) {
	last := w.frames[len(w.frames)-1]
	name := w.rule.String() + " by " + last.String()
	if last.declared != 0 {
		name += fmt.Sprintf(" of %d announced bytes", last.declared)
	}
	between := append(append([]frame{hello, ping("1")}, w.frames...), world, ping("2"), closing(1000, ""))
	for _, c := range append(everyChop(
		breach(name, w.rule, w.frames),
		breach(name+" among good frames", w.rule, between, hello, pong("1")),
	), breach(name, w.rule, between, hello, pong("1")).withHandshake()) {
		all = append(all, c.taking(smallLimit))
	}
	return all
}

// deflateBreaches can be met only where permessage-deflate is agreed on.
var deflateBreaches = []wrong{
	{protocol.RuleDeflateRSV1Continuation, []frame{text("a").unfinished(), next("b").withRSV(protocol.RSV1)}},
	{protocol.RuleDeflateRSV1Continuation, []frame{packed(protocol.OpText, "\xf2").unfinished(), next("").withRSV(protocol.RSV1)}},
	{protocol.RuleDeflateCorrupt, []frame{packed(protocol.OpText, "\xff\xff")}},
	{protocol.RuleDeflateCorrupt, []frame{packed(protocol.OpBinary, "\x00").unfinished(), next("\x06")}},
	{protocol.RuleMessageTooBig, flow{}.packed(binary(strings.Repeat("x", smallLimit+1)))},
	{protocol.RuleUTF8Invalid, flow{}.packed(text("a\xff"))},
	{protocol.RuleRSVUnexpected, []frame{packed(protocol.OpPing, "")}},
	{protocol.RuleRSVUnexpected, []frame{packed(protocol.OpPong, "pong")}},
	{protocol.RuleRSVUnexpected, []frame{packed(protocol.OpClose, coded(1000))}},
	{protocol.RuleRSVUnexpected, []frame{text("\x00").withRSV(protocol.RSV1 | protocol.RSV2)}},
	{protocol.RuleRSVUnexpected, []frame{binary("").withRSV(protocol.RSV3)}},
	{protocol.RuleRSVUnexpected, []frame{packed(3, "")}},
	{protocol.RuleContinuationExpected, []frame{text("a").unfinished(), packed(protocol.OpText, "\x00")}},
	{protocol.RuleContinuationExpected, []frame{packed(protocol.OpText, "\x00").unfinished(), text("a")}},
}

// everyRule: each rule that an endpoint in the role of side can meet is broken, also where
// permessage-deflate is on.
func everyRule(side protocol.Side) (cases []testCase) {
	for _, w := range breaches(side) {
		cases = append(cases, w.cases()...)
	}
	for _, w := range append(breaches(side), deflateBreaches...) {
		if w.frames[0].rsv == protocol.RSV1 && w.frames[0].op == protocol.OpText && w.rule == protocol.RuleRSVUnexpected {
			continue // no breach here
		}
		for _, c := range w.cases() {
			c.name = "deflate on: " + c.name
			cases = append(cases, c.deflated(agreement{}))
		}
	}
	return cases
}

// TestEveryRuleIsBroken: a rule without a case would be one that nothing checks.
func TestEveryRuleIsBroken(t *testing.T) {
	seen := protocol.RuleFrameAfterClose.Set() // what comes behind a close frame is not read: see framesBehindAClose
	for _, side := range []protocol.Side{protocol.Client, protocol.Server} {
		for _, c := range everyRule(side) {
			seen |= c.rule.Set()
		}
	}
	for r := range protocol.RuleCount {
		if !seen.Has(r) {
			t.Errorf("no case breaks %v", r)
		}
	}
}

// framesWithTheHandshake: bytes that come with the handshake are not lost,
// however many.
func framesWithTheHandshake() []testCase {
	var many []frame
	for range 100 {
		many = append(many, text(strings.Repeat("x", 1000)))
	}
	return []testCase{
		legal("one frame", []frame{hello}, hello).withHandshake(),
		legal("nothing but a close", nil).withHandshake(),
		legal("100 KiB of messages", many, many...).withHandshake(),
		legal("message of 100 KiB", []frame{textOf(100 * kib)}, textOf(100*kib)).withHandshake(),
		talked("half a message", exchange{[]frame{text("a").unfinished(), ping("")}, []frame{pong("")}}, exchange{[]frame{next("b")}, []frame{text("ab")}}).withHandshake(),
	}
}
